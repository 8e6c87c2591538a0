# shellcheck shell=bash
# To be sourced: where crekit's images are kept, and settings of podman and buildah that work on a plain machine.
# CREKIT_IMAGE_CACHE: the folder (default ~/.cache/crekit-images). CONTAINERS_STORAGE_CONF and CONTAINERS_CONF are
# taken as they are where they are set; with CREKIT_SYSTEM_CONTAINERS=1 the machine's own settings are used.
export CREKIT_IMAGE_CACHE=${CREKIT_IMAGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/crekit-images}

if [[ -z ${CONTAINERS_STORAGE_CONF:-} && -z ${CONTAINERS_CONF:-} && -z ${CREKIT_SYSTEM_CONTAINERS:-} ]]; then
    mkdir -p "$CREKIT_IMAGE_CACHE"
    export CONTAINERS_STORAGE_CONF=$CREKIT_IMAGE_CACHE/storage.conf CONTAINERS_CONF=$CREKIT_IMAGE_CACHE/containers.conf
    # Written aside and moved, because tasks of a pipeline may source this at once.
    cat > "$CONTAINERS_STORAGE_CONF.$$" <<CONF
[storage]
driver = "overlay"
graphroot = "$CREKIT_IMAGE_CACHE/storage"
runroot = "${TMPDIR:-/tmp}/crekit-containers-$(id -u)"
CONF
    # runc and cgroupfs: crun refuses machines that mix both versions of cgroups, and not every machine runs systemd.
    cat > "$CONTAINERS_CONF.$$" <<CONF
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
    mv "$CONTAINERS_STORAGE_CONF.$$" "$CONTAINERS_STORAGE_CONF"
    mv "$CONTAINERS_CONF.$$" "$CONTAINERS_CONF"
fi
