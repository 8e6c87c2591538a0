#!/usr/bin/env bash
# Build crekit's images with buildah: localhost/crekit:VERSION and localhost/crekit-multiqc:VERSION.
#   containers/build.sh [crekit] [multiqc] [cuda]        (default: crekit multiqc)
# Environment:
#   BASE                the image to start from. Default: debian:bookworm-slim of Docker Hub, or where no registry
#                       answers, one made of Debian's packages by debootstrap (which needs root) and kept
#   WHEELS              a folder of Python wheels to install from, such as a CPU build of torch. Default: the
#                       find-links folder of pip's configuration if it holds torch
#   TORCH_INDEX         the package index that torch is taken from. Default: PyTorch's own, or PyPI with WHEELS
#   SOURCE              where the code can be had: the label org.opencontainers.image.source
#   CA_CERTIFICATES     certificates to be trusted while building. Default: /usr/local/share/ca-certificates
#   CREKIT_IMAGE_CACHE  where images and bases are kept (environment.sh)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
# shellcheck source=containers/environment.sh
source "$here/environment.sh"

say() { printf 'build.sh: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

command -v buildah >/dev/null || fail "buildah is missing; Debian: apt-get install buildah podman runc uidmap debootstrap"
hub=docker.io/library/debian:bookworm-slim
kept=localhost/debian:bookworm-slim
version=$(sed -nE 's/^__version__ = "(.*)"$/\1/p' "$root/src/crekit/__init__.py")
revision=$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)

have() { buildah inspect --type image "$1" &>/dev/null; }

# The mirror that this machine installs from, and its sources, so that the base gets security updates too.
debootstrapped() {
    if [[ $(id -u) != 0 ]] || ! command -v debootstrap >/dev/null; then
        fail "no registry answers for $hub, and making a base needs debootstrap and root; give an image: BASE=..."
    fi
    local sources=/etc/apt/sources.list.d/debian.sources mirror="" folder container
    if [[ -f $sources ]]; then mirror=$(sed -nE '0,/^URIs:/s/^URIs: *([^ ]+).*/\1/p' "$sources"); fi
    folder=$(mktemp -d "$CREKIT_IMAGE_CACHE/bookworm.XXXXXX")
    say "no registry answers: making a base with debootstrap"
    debootstrap --variant=minbase bookworm "$folder" "${mirror:-http://deb.debian.org/debian}" >"$folder.log" 2>&1 ||
        fail "debootstrap failed; its last lines: $(tail -n 3 "$folder.log")"
    if [[ -f $sources ]] && grep -q bookworm "$sources"; then
        rm -f "$folder/etc/apt/sources.list"
        sed '/^#/d' "$sources" > "$folder/etc/apt/sources.list.d/debian.sources"
    fi
    # What debian:bookworm-slim leaves out as well.
    printf 'path-exclude /usr/share/%s/*\n' doc man info locale groff lintian > "$folder/etc/dpkg/dpkg.cfg.d/slim"
    printf 'path-include /usr/share/doc/*/copyright\n' >> "$folder/etc/dpkg/dpkg.cfg.d/slim"
    find "$folder/usr/share/doc" -type f ! -name copyright -delete
    find "$folder"/{dev,var/log,var/cache/apt,var/lib/apt/lists} "$folder"/usr/share/{man,info,locale,groff,lintian} \
        -mindepth 1 -delete 2>/dev/null || true
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$folder" / >/dev/null
    buildah config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah commit --quiet --rm "$container" "$kept" >/dev/null
    rm -rf "$folder" "$folder.log"
}

# Sets base: the one given, the one of an earlier build, the one of Docker Hub, or our own.
find_base() {
    base=${BASE:-}
    if [[ -n $base ]]; then return; fi
    for base in "$hub" "$kept"; do
        if have "$base"; then return; fi
    done
    base=$hub
    timeout 120 buildah pull --quiet "$hub" &>/dev/null || { base=$kept; debootstrapped; }
}

# Sets wheels: the folder, or nothing.
find_wheels() {
    wheels=${WHEELS-}
    if [[ -z ${WHEELS+set} ]]; then
        wheels=$(python3 -m pip config list 2>/dev/null | sed -nE "s/^[a-z:.]*find-links='([^']*)'$/\1/p" | head -n 1)
        if ! compgen -G "$wheels/torch-*.whl" >/dev/null; then wheels=""; fi
    fi
    [[ -z $wheels || -d $wheels ]] || fail "$wheels: no such folder of wheels (WHEELS)"
}

# inputs FILE: what an image is made of, as one checksum. The labels of revision and source are no part of it.
inputs() {
    local files=("containers/$1" containers/multiqc-constraints.txt)
    if [[ $1 != Dockerfile.multiqc ]]; then
        files=("containers/$1" containers/{dependencies.py,trim.sh} LICENSE README.md constraints.txt pyproject.toml src tools)
    fi
    {
        printf '%s\n' "$version" "$wheels" "${TORCH_INDEX-}"
        buildah inspect --type image --format '{{.FromImageID}}' "$base"
        cd "$root"
        find "${files[@]}" -type f ! -name '*.pyc' ! -path '*.egg-info/*' -print0 | sort -z | xargs -0 sha256sum
    } | sha256sum
}

# build FILE IMAGE: one image, unless it is there and made of the same; from cached layers as far as these hold.
build() {
    local now kept_as=$CREKIT_IMAGE_CACHE/$1.inputs
    now="$(inputs "$1") $2"
    if have "$2" && [[ $(cat "$kept_as" 2>/dev/null) = "$now" ]]; then
        say "$2 is up to date"
        return
    fi
    local arguments=(--build-arg "BASE=$base" --build-arg "VERSION=$version" --build-arg "REVISION=$revision"
        --build-arg "SOURCE=${SOURCE:-}") certificates=${CA_CERTIFICATES:-/usr/local/share/ca-certificates}
    if compgen -G "$certificates/*.crt" >/dev/null; then
        arguments+=(--volume "$certificates:/usr/local/share/ca-certificates:ro")
        say "warning: $2 is built with the certificates of $certificates; do not publish it"
    fi
    if [[ $1 = Dockerfile && -n $wheels ]]; then
        arguments+=(--volume "$wheels:/wheels:ro" --build-arg PIP_FIND_LINKS=/wheels --build-arg "TORCH_INDEX=${TORCH_INDEX-}")
    elif [[ $1 != Dockerfile.multiqc && -n ${TORCH_INDEX:-} ]]; then
        arguments+=(--build-arg "TORCH_INDEX=$TORCH_INDEX")
    fi
    say "$2 from $base"
    buildah bud --layers --isolation=chroot --network=host --format oci "${arguments[@]}" \
        --file "$here/$1" --tag "$2" "$root"
    printf '%s\n' "$now" > "$kept_as"
}

find_base
find_wheels
for image in "${@:-crekit multiqc}"; do
    for one in $image; do
        case $one in
            crekit) build Dockerfile "localhost/crekit:$version" ;;
            cuda) build Dockerfile.cuda "localhost/crekit-cuda:$version" ;;
            multiqc) build Dockerfile.multiqc "localhost/crekit-multiqc:$version" ;;
            *) fail "no image is called '$one'; there are: crekit multiqc cuda" ;;
        esac
    done
done
