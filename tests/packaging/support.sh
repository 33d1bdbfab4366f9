# shellcheck shell=bash disable=SC2034
# Sourced by the tests of this folder: a private container engine, a base image made without a
# registry, a fake intake. Everything lives in the test's folder and ends with the test.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
api_key=0123456789abcdef0123456789abcdef
pids=()
kept=''

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*"; }
skip() {
  say "skipped: $*"
  exit 77
}
fail() {
  say "FAILED: $*" >&2
  exit 1
}
need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || skip "$program is not installed"
  done
}

# Calls a command until it succeeds; fails after so many seconds.
eventually() {
  local seconds=$1 end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || fail "not within $seconds s: $*"
    sleep 0.2
  done
}

# open_folder [FOLDER]: where all is kept. Given one, the base and the engine's layers stay there for
# the next run; else it is a temporary one.
open_folder() {
  if [[ -n ${1:-} ]]; then
    mkdir -p "$1"
    folder=$(cd "$1" && pwd)
    kept=yes
  else
    folder=$(mktemp -d)
    chmod 755 "$folder"
  fi
  scratch=$(mktemp -d "$folder/run.XXXXXX")
  chmod 755 "$scratch"
  trap close_folder EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

close_folder() {
  local status=$? pid
  trap '' INT TERM
  set +e
  if declare -F clean_up >/dev/null; then clean_up; fi
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  stop_engine
  rm -rf "$scratch"
  [[ -n $kept ]] || rm -rf "$folder"
  exit "$status"
}

# The engine is docker, or podman where ENGINE says so or there is no dockerd.
start_engine() {
  ((EUID == 0)) || skip "a private container engine needs root"
  ENGINE=${ENGINE:-$(command -v dockerd >/dev/null && echo docker || echo podman)}
  run_options=()
  case $ENGINE in
    docker)
      need dockerd docker
      engine=(docker)
      export DOCKER_HOST=unix://$scratch/docker.sock
      # No firewall rule is written, and no bridge is made. Its mounts end with it, and / is shared as
      # systemd has it.
      unshare --mount --propagation shared dockerd --data-root "$folder/docker" \
        --exec-root "$scratch/exec" -p "$scratch/dockerd.pid" -H "$DOCKER_HOST" \
        --storage-driver overlay2 --iptables=false --ip6tables=false --ip-forward=false \
        --bridge=none >"$scratch/dockerd.log" 2>&1 &
      engine_pid=$!
      eventually 30 docker version
      ;;
    podman)
      need podman runc
      # It remembers these folders, so they must be the same at the next run.
      engine=(podman --root "$folder/podman/root" --runroot "$folder/podman/run"
        --tmpdir "$folder/podman/tmp" --runtime runc --cgroup-manager=cgroupfs --events-backend file)
      # What a container may not ask for where this runs in one itself; systemd would run its checks.
      run_options=(--ulimit nofile=1024:1024 --ulimit nproc=1000:1000 --no-healthcheck)
      ;;
    *) fail "ENGINE is docker or podman" ;;
  esac
}

stop_engine() {
  if [[ ${ENGINE:-} == podman ]]; then
    engine pod rm --all --force --time 1 >/dev/null 2>&1
    engine rm --all --force --time 1 >/dev/null 2>&1
    [[ -n $kept ]] || engine system reset --force >/dev/null 2>&1
  elif [[ -n ${engine_pid:-} ]]; then
    local left
    left=$(docker ps --all --quiet 2>/dev/null)
    # shellcheck disable=SC2086
    [[ -z $left ]] || docker rm --force $left >/dev/null 2>&1
    kill "$engine_pid" 2>/dev/null
    wait "$engine_pid" 2>/dev/null
    unset engine_pid
  fi
}

engine() { DOCKER_BUILDKIT=0 "${engine[@]}" "$@"; }

# Debian as the image debian:bookworm-slim has it, by debootstrap.
make_base() {
  local root=$scratch/rootfs
  BASE=${BASE:-debian:bookworm-slim}
  if [[ ! -e $folder/base.tar ]]; then
    need debootstrap
    say "making $BASE by debootstrap"
    mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
    # The slim images leave these out; else the agent's layers would seem larger than they are.
    printf '%s\n' 'path-exclude /usr/share/doc/*' 'path-include /usr/share/doc/*/copyright' \
      'path-exclude /usr/share/man/*' 'path-exclude /usr/share/info/*' \
      'path-exclude /usr/share/locale/*' >"$root/etc/dpkg/dpkg.cfg.d/slim"
    debootstrap --variant=minbase "${SUITE:-bookworm}" "$root" >"$scratch/debootstrap.log" ||
      fail "debootstrap: $(tail -n 3 "$scratch/debootstrap.log")"
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
      "$root"/usr/share/{locale,man,info}/*
    tar -C "$root" -c . >"$folder/base.tar.part"
    mv "$folder/base.tar.part" "$folder/base.tar"
    rm -rf "$root"
  fi
  engine image inspect "$BASE" >/dev/null 2>&1 ||
    engine import - "$BASE" <"$folder/base.tar" >"$scratch/import.log" 2>&1 ||
    fail "import: $(<"$scratch/import.log")"
}

# build_image NAME OPTION... : from a Dockerfile, with the host's network and the base above.
build_image() {
  local begin=$SECONDS options=(--network=host)
  if [[ $ENGINE == podman ]]; then
    options+=(--format docker --isolation chroot --pull=never)  # in OCI's format there is no HEALTHCHECK
  fi
  say "building $1"
  engine build "${options[@]}" --build-arg BASE="$BASE" -t "$@" >"$scratch/build.log" 2>&1 ||
    fail "it does not build: $(tail -n 20 "$scratch/build.log")"
  say "built in $((SECONDS - begin)) s"
}

# build_redis NAME: as the official image has it: a user 999 that owns /data.
build_redis() {
  build_image "$1" - <<REDIS
FROM $BASE
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server \
 && install -d -o 999 -g 999 /data
WORKDIR /data
CMD ["redis-server"]
REDIS
}

# build_agent NAME: or takes AGENT_ARCHIVE, what "docker save" has made of the image.
build_agent() {
  if [[ -n ${AGENT_ARCHIVE:-} ]]; then
    local loaded
    loaded=$(engine load --quiet --input "$AGENT_ARCHIVE") || fail "it does not load"
    engine tag "${loaded##* }" "$1"
    return
  fi
  build_image "$1" --build-arg VERSION="$(version)" -f "$repository/docker/Dockerfile" "$repository"
}

version() { "$repository/scripts/version"; }

# start_intake PORT [COMMAND...]: on 127.0.0.1, in another network by a command such as nsenter; port
# 0 is any. What arrives stands in $scratch/intake.series, its port in $intake_port.
start_intake() {
  rm -f "$scratch/intake.port"
  "${@:2}" python3 "$here/intake.py" "$api_key" "$scratch/intake" "$1" &
  pids+=($!)
  eventually 10 test -s "$scratch/intake.port"
  intake_port=$(<"$scratch/intake.port")
}

stop_intake() {
  kill "${pids[-1]}"
  wait "${pids[-1]}" 2>/dev/null || true
  unset 'pids[-1]'
}

# arrived NAME VALUE: whether a point of this metric has arrived.
arrived() { grep -qx "$1 $2 .*" "$scratch/intake.series"; }

# sum_of NAME: of all its points; one that was sent again counts once, as at Datadog.
sum_of() {
  awk -v name="$1" '$1 == name { of[$4 " " $5] = $2 } END { for (i in of) sum += of[i]; print sum + 0 }' \
    "$scratch/intake.series"
}

nothing_refused() {
  [[ ! -s $scratch/intake.refused ]] || fail "the intake refuses: $(<"$scratch/intake.refused")"
}

# put_count NAME VALUE REDIS-CLI...: a raw metric as the client writes it.
put_count() {
  local name=$1 value=$2 key now
  shift 2
  key=$(</proc/sys/kernel/random/uuid)
  now=$(date +%s.%N)
  printf '%s\n' MULTI "ZADD chouette:metrics:raw.keys $now $key" \
    "HSET chouette:metrics:raw.values $key '{\"metric\":\"$name\",\"type\":\"count\",\"value\":$value,\"timestamp\":$now}'" \
    EXEC | "$@" >/dev/null
}
