# For scripts that try something in a bare Debian: roots by debootstrap. Needs bash, root and
# debootstrap; the package source is this machine's own. To be sourced; the script says `name` first
# and calls root_begin "$@".

say() { echo "$name: $*"; }

# Starts the script again in a mount namespace of its own: what is mounted goes with the process.
root_begin() {
    [ "$(id -u)" -eq 0 ] || { say "debootstrap and chroot need root" >&2; exit 1; }
    command -v debootstrap >/dev/null || { say "install debootstrap first" >&2; exit 1; }
    [ -n "${RINGBACK_BARE:-}" ] || RINGBACK_BARE=1 exec unshare --mount "$0" "$@"
}

root_step() { # log, what, command...: says how long it took; ends the script with its first failure
    local log=$1 what=$2 start=$SECONDS
    shift 2
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        say "$what failed; the whole output is in $log" >&2
        exit 1
    fi
    say "$what: $((SECONDS - start)) s"
}

root_inside() { # root, shell command: run as in a fresh login
    chroot "$1" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /bin/bash -c "$2"
}

root_mirror() { # the URI that apt has for Debian
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 /debian$
}

# The new root reaches packages as this machine does; no host is named here.
root_network() { # root
    local file
    for file in /etc/resolv.conf /etc/hosts; do
        [ ! -f "$file" ] || cp -L "$file" "$1$file"
    done
    grep -lsi 'acquire.*proxy' /etc/apt/apt.conf.d/* | while read -r file; do
        cp "$file" "$1/etc/apt/apt.conf.d/"
    done || true
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d" # a chroot starts no services
    chmod +x "$1/usr/sbin/policy-rc.d"
}

root_make() { # suite, root: what debootstrap made is kept for a day, in build/bare/SUITE.tar
    local kept=build/bare/$1.tar
    rm -rf --one-file-system "$2"
    mkdir -p "$2"
    if [ -z "$(find "$kept" -mmin -1440 2>/dev/null)" ]; then
        debootstrap --variant=minbase "$1" "$2" "$(root_mirror)" || return 1
        tar -C "$2" -cf "$kept.new" . && mv "$kept.new" "$kept"
    else
        tar -C "$2" --numeric-owner -xpf "$kept"
    fi
    root_network "$2"
}

root_copy() { # root, new root: before it is opened
    rm -rf --one-file-system "$2"
    cp -a --reflink=auto "$1" "$2"
}

root_open() { # root: so that programs find what they expect
    local place
    for place in dev/null dev/urandom; do
        touch "$1/$place"
        mount --bind "/$place" "$1/$place"
    done
    mount -t proc proc "$1/proc"
}

root_remove() { # root: unless RINGBACK_KEEP is set
    local place
    ! mountpoint -q "$1" || umount --recursive "$1" # it was bound onto itself, to be read only
    for place in proc dev/null dev/urandom; do
        ! mountpoint -q "$1/$place" || umount "$1/$place"
    done
    [ -n "${RINGBACK_KEEP:-}" ] || rm -rf --one-file-system "$1"
}
