#!/usr/bin/env bash
# Builds the agent's image and runs it as it is meant to be run: as nobody in particular, without
# capabilities, with a read-only root and 64 MB.
#   tests/packaging/image_test.sh [FOLDER]   FOLDER keeps the base and the layers for the next run
#   ENGINE=docker|podman   BUILD=a build folder, for the golden test
# Needs root, debootstrap, redis-server, python3, and dockerd or podman with runc; else exit code 77.
set -euo pipefail
# shellcheck source=support.sh
source "$(dirname "$0")/support.sh"

most_beyond_base=40000000

need redis-server redis-cli python3
open_folder "${1:-}"
start_engine
make_base
image=chouette-iot:test
build_agent $image

step() { say "- $*"; }
inspect() { engine image inspect --format "$1" "${2:-$image}"; }

step "its size"
beyond=$(($(inspect '{{.Size}}') - $(inspect '{{.Size}}' "$BASE")))
say "$((beyond / 1000)) kB beyond the base"
((beyond < most_beyond_base)) || fail "more than $((most_beyond_base / 1000)) kB"

step "its labels, user and entry point"
program_version=$(engine run --rm "${run_options[@]}" --network=none $image --version)
[[ $program_version == "chouette-iot $(version)" ]] || fail "it is $program_version"
[[ $(inspect '{{index .Config.Labels "org.opencontainers.image.version"}}') == $(version) ]] ||
  fail "the label has another version"
[[ $(inspect '{{.Config.User}}') =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || fail "the user is no number"
[[ $(inspect '{{json .Config.Entrypoint}}') == '["/usr/bin/chouette-iot"]' ]] || fail "a shell?"
engine image inspect $image | tr -d ' \n' |
  grep -F '"Healthcheck":{"Test":["CMD","/usr/bin/chouette-iot","health"]' >/dev/null ||
  fail "no HEALTHCHECK"

confined=("${run_options[@]}" --read-only --cap-drop=ALL --security-opt=no-new-privileges
  --memory=64m --pids-limit=100)

step "a wrong configuration: exit code 78"
status=0
engine run --rm "${confined[@]}" --network=none $image >"$scratch/out" 2>&1 || status=$?
[[ $status == 78 ]] || fail "exit code $status: $(<"$scratch/out")"
grep -q API_KEY "$scratch/out" || fail "it does not name API_KEY"

# Redis listens where the container's user reaches it.
mkdir -m 755 "$scratch/redis"
socket=$scratch/redis/redis.sock
redis-server --port 0 --unixsocket "$socket" --unixsocketperm 777 --dir "$scratch/redis" --save '' \
  --daemonize no >"$scratch/redis.log" &
pids+=($!)
redis() { redis-cli -s "$socket" "$@"; }
eventually 10 redis ping
printf '%s\n' "$api_key" >"$scratch/api_key"
chmod 444 "$scratch/api_key"
start_intake 0

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
start_agent() {  # start_agent NAME OPTION...
  local name=$1
  shift
  engine run --detach --name "$name" "${confined[@]}" "$@" \
    -v "$scratch/redis:$scratch/redis" -v "$scratch/api_key:/run/secrets/api_key:ro" \
    -e API_KEY_FILE=/run/secrets/api_key -e REDIS_SOCKET="$socket" \
    -e DATADOG_URL="http://127.0.0.1:$intake_port/api" \
    -e DATADOG_LOGS_URL="http://127.0.0.1:$intake_port" -e NO_PROXY=127.0.0.1 \
    -e COLLECTOR_PLUGINS=host -e AGGREGATE_INTERVAL=1 -e CAPTURE_INTERVAL=1 -e RELEASE_INTERVAL=1 \
    -e HTTP_LISTEN="127.0.0.1:$(free_port)" $image >/dev/null
}
stop_agent() {  # stop_agent NAME: within 5 s, with exit code 0
  local begin end code
  begin=$(date +%s%N)
  engine stop --time 20 "$1" >/dev/null
  end=$(date +%s%N)
  code=$(engine inspect --format '{{.State.ExitCode}}' "$1")
  say "stopped after $(((end - begin) / 1000000)) ms with exit code $code"
  [[ $code == 0 ]] || fail "the exit code; it said $(engine logs "$1" | tail -n 5)"
  ((end - begin < 6000000000)) || fail "it takes too long to stop"
}
waiting() { (($(redis zcard chouette:metrics:wrapped.keys) > 0)); }

step "without a network: what an application writes is aggregated and kept"
start_agent alone --network=none
put_count test.alone 5 redis
raw_is_empty() { [[ $(redis zcard chouette:metrics:raw.keys) == 0 ]]; }
eventually 20 raw_is_empty
eventually 20 waiting
redis hvals chouette:metrics:wrapped.values | grep '"test.alone"' >/dev/null || fail "it is not kept"
stop_agent alone

step "with a network: it arrives, and so does what was kept"
checks=()
if [[ $ENGINE == docker ]]; then
  checks=(--health-interval=1s --health-retries=2 --health-start-period=1s)
fi
start_agent online --network=host "${checks[@]}"
put_count test.online 7 redis
eventually 30 arrived test.alone 5
eventually 30 arrived test.online 7
eventually 30 grep -q '^Chouette.host.memory.used ' "$scratch/intake.series"
! engine logs online 2>&1 | grep "$api_key" >/dev/null || fail "its log has the key"
pid=$(engine inspect --format '{{.State.Pid}}' online)
[[ $(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status") == 65532 ]] || fail "it runs as another user"
[[ $(awk '$1 == "CapEff:" { print $2 }' "/proc/$pid/status") =~ ^0+$ ]] || fail "it has capabilities"
say "$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$pid/status") kB resident at most," \
  "$(awk '$1 == "Threads:" { print $2 }' "/proc/$pid/status") threads"

step "its health: what HEALTHCHECK asks tells one that works from one that hangs"
healthy() { engine exec online /usr/bin/chouette-iot health; }
unhealthy() { ! healthy; }
if [[ $ENGINE == docker ]]; then  # which runs the check by itself
  health() { [[ $(engine inspect --format '{{.State.Health.Status}}' online) == "$1" ]]; }
  healthy() { health healthy; }
  unhealthy() { health unhealthy; }
fi
eventually 30 healthy
kill -STOP "$pid"
eventually 60 unhealthy
kill -CONT "$pid"
eventually 30 healthy
stop_agent online
nothing_refused

step "as process 1 it stops in time while Redis hangs, and at once at a second signal"
redis_process=${pids[0]}
signal_hanging() {  # signal_hanging NAME TIMES: SIGTERM while Redis hangs; then how and when it ended
  local name=$1 times=$2 begin
  start_agent "$name" --network=none
  pid=$(engine inspect --format '{{.State.Pid}}' "$name")
  put_count "test.$name" 1 redis
  eventually 20 raw_is_empty
  kill -STOP "$redis_process"
  sleep 1.5  # each second the agent asks
  begin=$(date +%s%N)
  for ((; times > 0; times--)); do
    kill -TERM "$pid"
    sleep 0.1
  done
  for _ in {1..1000}; do
    [[ -e /proc/$pid ]] || break
    sleep 0.02
  done
  milliseconds=$((($(date +%s%N) - begin) / 1000000))
  kill -CONT "$redis_process"
  code=$(engine wait "$name")
  say "ended after $milliseconds ms with exit code $code"
}
signal_hanging hanging 1
[[ $code == 0 ]] || fail "the exit code; it said $(engine logs hanging | tail -n 5)"
((milliseconds < 5500)) || fail "it takes too long to stop"
signal_hanging twice 2
[[ $code == 1 ]] || fail "the exit code; it said $(engine logs twice | tail -n 5)"
((milliseconds < 1000)) || fail "a second signal is waited with"

step "the golden end-to-end test, with the container in the program's place"
tests=${BUILD:-$repository/build}/tests/integration_tests
if [[ ! -x $tests ]]; then
  say "$tests is not built: not run"
else
  # The settings come as the environment. Redis's socket belongs to who runs the test.
  cat >"$scratch/agent" <<AGENT
#!/usr/bin/env bash
options=()
while read -r name; do
  [[ \$name =~ ^(PATH|PWD|OLDPWD|SHLVL|_|LD_.*|.*SAN_OPTIONS)\$ ]] || options+=(-e "\$name")
done < <(compgen -e)
folder=\$(dirname "\$REDIS_SOCKET")
exec $(printf '%q ' env "DOCKER_HOST=${DOCKER_HOST:-}" "${engine[@]}") \\
  run --rm $(printf '%q ' "${confined[@]}") --network=host --user $EUID:$EUID \\
  -v "\$folder:\$folder" "\${options[@]}" $image "\$@"
AGENT
  chmod 755 "$scratch/agent"
  CHOUETTE_TEST_AGENT=$scratch/agent "$tests" --gtest_filter='Golden.*' >"$scratch/golden.log" 2>&1 ||
    fail "the golden test: $(<"$scratch/golden.log")"
  grep -q '\[  PASSED  \] 1 test' "$scratch/golden.log" || fail "it ran no test"
fi
say "all is well"
