#!/bin/bash
# Builds images without a registry. Usage: deploy/images/build.sh [base|builder|kafka|postgres|ROLE-OF-LINKSTAR…]
#
#   base       Debian with debootstrap, from the mirror of this machine's own apt configuration (needs root)
#   builder    base with Python's venv and this machine's certificates; builds the service images, is in none of them
#   kafka      Apache Kafka from the locked jars, each verified by SHA-256, on Debian's Java
#   postgres   Debian's own PostgreSQL package
#   ingest, router, labeler, tracker, returns   deploy/Dockerfile on base
#
# LINKSTAR_BASE_IMAGE names another Debian to build on; then nothing is bootstrapped. PYTHON: LinkStar's interpreter.
set -euo pipefail
images=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$images/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
base=${LINKSTAR_BASE_IMAGE:-linkstar/base}
export DOCKER_BUILDKIT=0 # the classic builder needs no plug-in; the files ask for nothing newer

scratch=$(mktemp --directory)
trap 'rm -rf --one-file-system "$scratch"' EXIT

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
present() { docker image inspect "$1" >/dev/null 2>&1; }
need_base() { present "$base" || [[ -n ${LINKSTAR_BASE_IMAGE:-} ]] || build_base; }

sources() { # this machine's Debian repositories, one "URI SUITE COMPONENT" a line
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
        awk '$4 == "Debian" && $3 == "main" { print $1, $2, $3 }'
}

build_base() {
    local tree=$scratch/tree mirror suite
    command -v debootstrap >/dev/null || { say "debootstrap is needed: apt-get install debootstrap"; exit 69; }
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mirror=$(sources | awk -v suite="$suite" '$2 == suite { print $1; exit }')
    [[ -n $mirror ]] || { say "apt knows no Debian repository of $suite on this machine"; exit 69; }
    say "bootstrapping Debian $suite"
    debootstrap --variant=minbase "$suite" "$tree" "$mirror" >"$scratch/debootstrap.log" 2>&1 ||
        { tail --lines=20 "$scratch/debootstrap.log" >&2; exit 1; }
    sources | sed 's/^/deb /' >"$tree/etc/apt/sources.list"
    chroot "$tree" sh -c 'apt-get -q update && apt-get -qy upgrade \
        && apt-get -qy install --no-install-recommends python3' >"$scratch/apt.log" 2>&1 ||
        { tail --lines=20 "$scratch/apt.log" >&2; exit 1; }
    rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale,info}/*
    rm -f "$tree/etc/resolv.conf" "$tree/etc/hostname"
    tar --directory "$tree" --numeric-owner --create . | docker import --change 'CMD ["/bin/bash"]' - "$base" >/dev/null
    rm -rf --one-file-system "$tree"
}

build() { # NAME DIRECTORY [docker build's options]
    local name=$1 directory=$2
    shift 2
    say "building $name"
    docker build --quiet --tag "$name" --build-arg "BASE=$base" "$@" "$directory" >"$scratch/build.log" 2>&1 ||
        { tail --lines=40 "$scratch/build.log" >&2; exit 1; }
}

build_builder() {
    local context=$scratch/builder
    mkdir "$context"
    cp "$images/builder/Dockerfile" "$context"
    cp /etc/ssl/certs/ca-certificates.crt "$context"
    build linkstar/builder "$context"
}

build_kafka() {
    local context=$scratch/kafka
    mkdir -p "$context/libs"
    cp "$images/kafka/"{Dockerfile,start,healthcheck} "$root/sandbox/linkstar_sandbox/log4j2.properties" "$context"
    "$python" -c 'from linkstar_sandbox.jars import ensure_jars; print(*ensure_jars(), sep="\n")' |
        xargs cp --target-directory "$context/libs"
    build linkstar/kafka "$context"
}

build_service() {
    present linkstar/builder || build_builder
    build "linkstar/$1" "$root" --file "$root/deploy/Dockerfile" --build-arg BUILDER=linkstar/builder --build-arg "SERVICE=$1"
}

[[ ${1:-} != --help ]] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0; }
[[ $# -gt 0 ]] || set -- kafka postgres
for image in "$@"; do
    [[ $image == base ]] || need_base
    case $image in
        base) build_base ;;
        builder) build_builder ;;
        kafka) build_kafka ;;
        postgres) build linkstar/postgres "$images/postgres" ;;
        ingest | router | labeler | tracker | returns) build_service "$image" ;;
        *) say "there is no image $image; see --help"; exit 64 ;;
    esac
    say "done: linkstar/$image"
done
