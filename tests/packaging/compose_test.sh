#!/usr/bin/env bash
# Starts what docker/compose.yaml describes beside a private Docker engine, with Debian's Redis.
#   tests/packaging/compose_test.sh [FOLDER]   FOLDER keeps the base and the layers for the next run
#   COLLECTOR_PLUGINS, as for compose.yaml
# Needs root, debootstrap, dockerd, docker-compose, redis-cli, python3, nsenter; else exit code 77.
set -euo pipefail
# shellcheck source=support.sh
source "$(dirname "$0")/support.sh"

need docker-compose dockerd redis-cli python3 nsenter
step() { say "- $*"; }

export CHOUETTE_IMAGE=chouette-iot:test REDIS_IMAGE=chouette-test-redis REDIS_PORT=26379
# Whatever the caller's shell has for an agent of its own must not get in.
unset HOST GLOBAL_TAGS DD_SITE QUEUE_MAX_RECORDS HTTPS_PROXY NO_PROXY LOG_LEVEL
export API_KEY_FILE=$repository/docker/Dockerfile  # any file, for the next step

step "docker-compose accepts it"
docker-compose -f "$repository/docker/compose.yaml" config --quiet

open_folder "${1:-}"
ENGINE=docker
start_engine
make_base
build_agent $CHOUETTE_IMAGE
build_redis $REDIS_IMAGE

export API_KEY_FILE=$scratch/api_key DOCKER_SOCKET=$scratch/docker.sock DOCKER_GID
DOCKER_GID=$(stat -c %g "$DOCKER_SOCKET")
install -m 400 -o 65532 -g 65532 /dev/stdin "$API_KEY_FILE" <<<"$api_key"
intake_inside=18126
cat >"$scratch/override.yaml" <<OVERRIDE
version: "3.8"
services:
  agent:
    environment:
      DATADOG_URL: http://127.0.0.1:$intake_inside/api
      DATADOG_LOGS_URL: http://127.0.0.1:$intake_inside
      NO_PROXY: 127.0.0.1
      AGGREGATE_INTERVAL: 1
      CAPTURE_INTERVAL: 5  # an engine takes a second to tell
      RELEASE_INTERVAL: 1
OVERRIDE
project() {
  docker-compose --ansi never -p chouettetest -f "$repository/docker/compose.yaml" \
    -f "$scratch/override.yaml" "$@"
}
compose() {
  project "$@" >>"$scratch/compose.log" 2>&1 ||
    fail "docker-compose $*: $(tail -n 20 "$scratch/compose.log")"
}
clean_up() {
  [[ -n ${engine_pid:-} ]] || return
  if ((status != 0)); then project logs --tail 20; fi
  project down --volumes --timeout 1 >/dev/null 2>&1
}
redis() { redis-cli -p $REDIS_PORT "$@"; }
container() { project ps -q "$1"; }
answers() { [[ $(redis ping) == PONG ]]; }
up() {
  compose up -d --no-build
  start_intake $intake_inside nsenter --net --target \
    "$(docker inspect --format '{{.State.Pid}}' "$(container agent)")"
  eventually 30 answers
}
setting() { docker inspect --format "{{json .HostConfig.$2}}" "$(container "$1")"; }
expect() { [[ $(setting "$1" "$2") == "$3" ]] || fail "$1: $2 is $(setting "$1" "$2"), not $3"; }

step "up: a metric of an application on the device arrives, and the host's"
up
put_count test.compose 5 redis
eventually 30 arrived test.compose 5
eventually 30 grep -q '^Chouette.host.memory.used ' "$scratch/intake.series"
eventually 30 grep -q '^Chouette.host.fs.used ' "$scratch/intake.series"
if [[ ${COLLECTOR_PLUGINS:-docker} == *docker* ]]; then
  eventually 30 grep -q '^Chouette.docker.memory.usage .*container:' "$scratch/intake.series"
fi
docker logs "$(container agent)" >"$scratch/agent.log" 2>&1
! grep -q "$api_key" "$scratch/agent.log" || fail "the log has the key"
# The intake is not there yet when the agent starts.
! grep '"\(ERROR\|CRITICAL\)"' "$scratch/agent.log" | grep -v 'Failed to connect' ||
  fail "the agent complains"

step "what confines them is in force"
for service in agent redis; do
  expect $service ReadonlyRootfs true
  expect $service CapDrop '["ALL"]'
  expect $service SecurityOpt '["no-new-privileges:true"]'
  expect $service RestartPolicy.Name '"unless-stopped"'
  expect $service LogConfig.Config '{"max-file":"3","max-size":"1m"}'
done
expect agent Memory $((64 * 1024 * 1024))
expect redis Memory $((160 * 1024 * 1024))
[[ $(redis config get maxmemory-policy | tail -n 1) == noeviction ]] || fail "Redis evicts"
[[ $(redis config get appendonly | tail -n 1) == yes ]] || fail "Redis does not keep"

step "the agent stops with exit code 0; what waits survives a new set of containers"
stopped=$(container agent)
compose stop agent
[[ $(docker inspect --format '{{.State.ExitCode}}' "$stopped") == 0 ]] || fail "another exit code"
put_count test.kept 9 redis
compose down
up
eventually 30 arrived test.kept 9
nothing_refused
say "all is well"
