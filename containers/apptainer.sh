#!/usr/bin/env bash
# Build an Apptainer image from the very image that build.sh made, and run commands in it.
#   containers/apptainer.sh build              -> $CREKIT_IMAGE_CACHE/crekit-VERSION.sif, whose path it prints
#   containers/apptainer.sh exec COMMAND...    in that image, in this folder
# It takes the machine's apptainer or singularity; where there is none, root gets Debian sid's in a folder of its own
# (debootstrap, 0.5 GB, kept in $CREKIT_IMAGE_CACHE). Where neither can be had it says so and ends with status 77.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=containers/environment.sh
source "$here/environment.sh"

say() { printf 'apptainer.sh: %s\n' "$*" >&2; }
skip() { say "skipped: $*"; exit 77; }

version=$(sed -nE 's/^__version__ = "(.*)"$/\1/p' "$here/../src/crekit/__init__.py")
image=localhost/crekit:$version
sif=$CREKIT_IMAGE_CACHE/crekit-$version.sif
sid=$CREKIT_IMAGE_CACHE/sid

find_apptainer() {
    for runner in apptainer singularity; do
        if command -v "$runner" >/dev/null; then return; fi
    done
    runner=in_sid
    if [[ -x $sid/usr/bin/apptainer ]]; then return; fi
    [[ $(id -u) = 0 ]] || skip "neither apptainer nor singularity is installed, and only root can fetch Debian sid's"
    command -v debootstrap >/dev/null || skip "neither apptainer, singularity nor debootstrap is installed"
    local mirror="" sources=/etc/apt/sources.list.d/debian.sources
    if [[ -f $sources ]]; then mirror=$(sed -nE '0,/^URIs:/s/^URIs: *([^ ]+).*/\1/p' "$sources"); fi
    say "fetching apptainer from Debian sid"
    rm -rf "$sid.new"
    debootstrap --variant=minbase --include=apptainer sid "$sid.new" "${mirror:-http://deb.debian.org/debian}" \
        >"$sid.log" 2>&1 || skip "Debian sid's apptainer cannot be had: $(tail -n 1 "$sid.log")"
    # A machine that is itself a container may not have every capability, and full means every one.
    sed -i 's/^root default capabilities = full/root default capabilities = no/' "$sid.new/etc/apptainer/apptainer.conf"
    rm -rf "$sid.new"/var/cache/apt/*
    mv "$sid.new" "$sid"
}

# Apptainer in the folder of Debian sid, in a name space of mounts of its own: they go when it ends.
in_sid() {
    # shellcheck disable=SC2016
    unshare --mount bash -euc '
        sid=$1 here=$PWD; shift
        mount --bind "$sid" "$sid"
        for folder in /proc /sys /dev /tmp "$CREKIT_IMAGE_CACHE" "$SCRIPTS" "$here"; do
            mkdir -p "$sid$folder"
            mount --rbind "$folder" "$sid$folder"
        done
        cp -f /etc/{hosts,resolv.conf,passwd,group,localtime} "$sid/etc/" 2>/dev/null || true
        mkdir -p "$sid/.outside"
        cd "$sid"
        pivot_root . .outside # apptainer refuses to run in what is only a chroot
        exec chroot . bash -c '\''umount --lazy /.outside; cd "$1"; shift; exec apptainer "$@"'\'' - "$here" "$@"
    ' - "$sid" "$@"
}

# The test comes after the build, with the rights that a command in the image has; the build's own would want all.
sif_from() {
    local fast=()
    if "$runner" build --help | grep -q mksquashfs-args; then fast=(--mksquashfs-args "-Xcompression-level 3"); fi
    "$runner" build --force --notest "${fast[@]}" --build-arg "archive=$1" "$sif" "$here/crekit.def" &&
        "$runner" test "$sif"
}

build() {
    local id archive=$CREKIT_IMAGE_CACHE/crekit.oci.tar
    id=$(buildah inspect --type image --format '{{.FromImageID}}' "$image" 2>/dev/null) ||
        skip "there is no image $image; build it first: containers/build.sh crekit"
    if [[ ! -f $sif || $(cat "$sif.id" 2>/dev/null) != "$id" ]]; then
        rm -f "$archive"
        buildah push --quiet "$image" "oci-archive:$archive:$version" >&2
        say "building $sif"
        if ! APPTAINER_CACHEDIR=$CREKIT_IMAGE_CACHE/apptainer APPTAINER_TMPDIR=$CREKIT_IMAGE_CACHE \
            sif_from "$archive" >"$sif.log" 2>&1; then
            say "apptainer failed; the end of $sif.log:"
            tail -n 5 "$sif.log" >&2
            exit 1
        fi
        rm -rf "$archive" "$CREKIT_IMAGE_CACHE/apptainer"
        printf '%s\n' "$id" > "$sif.id"
    fi
}

export SCRIPTS=$here
case ${1:-} in
    build) find_apptainer && build && printf '%s\n' "$sif" ;;
    exec) shift && find_apptainer && build && "$runner" --quiet exec --bind "$PWD" --pwd "$PWD" "$sif" "$@" ;;
    *) sed -n '2,4s/^# *//p' "$0" >&2; exit 2 ;;
esac
