#!/usr/bin/env bash
# Runs the commands of docs/*.md that are marked with this file's name, as they stand there, beside a
# private Docker engine, with Debian's Redis and a stand-in for tegrastats.
#   tests/docs/containers_test.sh [FOLDER]   FOLDER keeps the base and the layers for the next run
# Needs root, debootstrap, dockerd, docker-compose, redis-cli, python3, nsenter; else exit code 77.
set -euo pipefail
# shellcheck source=../packaging/support.sh
source "$(dirname "$0")/../packaging/support.sh"

need docker-compose dockerd redis-cli python3 nsenter
step() { say "- $*"; }
open_folder "${1:-}"
ENGINE=docker
start_engine
make_base

# What the commands find: a checkout, in a folder whose name is part of networks' names.
where=$scratch/checkout
mkdir "$where"
cp -r "$repository"/{.dockerignore,CMakeLists.txt,LICENSE,cmake,docker,include,plugins,scripts,src} "$where"
rm -f "$where"/docker/{.env,api_key,jetson.yaml,k8s/api_key}

# Nothing goes to Datadog: there is an intake in the network of whoever sends.
intake=18126
settings=("DATADOG_URL=http://127.0.0.1:$intake/api" "DATADOG_LOGS_URL=http://127.0.0.1:$intake"
  NO_PROXY=127.0.0.1 AGGREGATE_INTERVAL=1 CAPTURE_INTERVAL=5 RELEASE_INTERVAL=1)
as_options=()
for setting in "${settings[@]}"; do as_options+=(-e "$setting"); done
printf '      %s\n' "${settings[@]/=/: }" >"$scratch/settings.yaml"
sed -i -e '/^      NO_PROXY:/d' -e "/^      API_KEY_FILE:/r $scratch/settings.yaml" \
  "$where/docker/compose.yaml"

# What this machine lacks or must not be asked for, in place of the programs of these names.
tools=$scratch/tools
mkdir "$tools"
tool() { install -m 755 /dev/stdin "$tools/$1"; }
tool sudo <<<$'#!/bin/sh\nexec "$@"'
# The private engine has no network of its own.
tool docker <<TOOL
#!/usr/bin/env bash
case \$1 in
  build) set -- build --network=host "\${@:2}" ;;
  run) [[ " \$* " == *" --network "* ]] ||
    set -- run --network docker_default --add-host "redis.local:\$(<"$scratch/redis.address")" \\
      ${as_options[*]} "\${@:2}" ;;
esac
DOCKER_BUILDKIT=0 exec $(command -v docker) "\$@"
TOOL
# There is no terminal.
tool docker-compose <<TOOL
#!/usr/bin/env bash
words=(--ansi never)
for word; do
  words+=("\$word")
  [[ \$word != exec ]] || words+=(-T)
done
exec $(command -v docker-compose) "\${words[@]}"
TOOL
tool tegrastats <<TOOL
#!/bin/sh
while sleep 1; do echo '$(sed -n 2p "$repository/tests/fixtures/tegrastats/orin-nano-jetpack-6.2.txt")'; done
TOOL

# block PAGE MARK NUMBER: what stands under the page's so-manieth mark that begins so.
block() {
  python3 - "$repository/docs/$1" "$2" "$3" <<'PYTHON'
import sys
page, mark, number = sys.argv[1:]
lines = iter(open(page).read().split("\n"))
for _ in range(int(number)):
    next(line for line in lines if line.startswith("<!-- " + mark))
text = []
for line in lines:
    if line and not line.startswith("    "):
        break
    text.append(line[4:])
print("\n".join(text).strip("\n"))
PYTHON
}
declare -A ran
# run PAGE NUMBER: the commands of a block; what they print is in $scratch/out. A folder that is changed
# to stays so for the next.
run() {
  local commands
  commands=$(block "$1" "run by: tests/docs/containers_test.sh" "$2")
  [[ -n $commands ]] || fail "$1 has no block $2"
  ran[$1:$2]=yes
  (cd "$where" && PATH=$tools:$PATH bash -euo pipefail -c \
    "${commands//YOUR KEY/$api_key}"$'\n'"pwd >$scratch/where") </dev/null >"$scratch/out" 2>&1 ||
    fail "$1, block $2: $commands"$'\n'"$(tail -n 30 "$scratch/out")"
  where=$(<"$scratch/where")
}
prints() { grep -q -- "$1" "$scratch/out" || fail "no \"$1\" in: $(<"$scratch/out")"; }
succeeds() { (run "$@") 2>/dev/null; }

export REDIS_IMAGE=chouette-test-redis REDIS_PORT=26380 DOCKER_SOCKET=$scratch/docker.sock DOCKER_GID
DOCKER_GID=$(stat -c %g "$DOCKER_SOCKET")
# Whatever the caller's shell has for an agent of its own must not get in.
unset HOST GLOBAL_TAGS DD_SITE QUEUE_MAX_RECORDS HTTPS_PROXY NO_PROXY LOG_LEVEL COLLECTOR_PLUGINS \
  CHOUETTE_IMAGE API_KEY_FILE
compose() { docker-compose --ansi never -f "$scratch/checkout/docker/compose.yaml" "$@"; }
clean_up() {
  [[ -n ${engine_pid:-} ]] || return
  if ((status != 0)); then compose logs --tail 20; fi
  docker rm --force chouette chouette-iot >/dev/null 2>&1
  compose down --volumes --timeout 1 >/dev/null 2>&1
}
redis() { redis-cli -p $REDIS_PORT "$@"; }
answers() { [[ $(redis ping) == PONG ]]; }
intake_of() {  # intake_of CONTAINER
  start_intake $intake nsenter --net --target "$(docker inspect --format '{{.State.Pid}}' "$1")"
}
arrives() {  # arrives NAME VALUE: a count that is put into compose's Redis
  put_count "$1" "$2" redis
  eventually 30 arrived "$1" "$2"
}

page=install-compose.md
step "$page: the image"
run $page 1
build_redis $REDIS_IMAGE

step "$page: compose"
run $page 2
intake_of docker_agent_1
docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' docker_redis_1 \
  >"$scratch/redis.address"
eventually 30 answers
arrives docs.first 1
eventually 30 succeeds $page 3
run $page 3
prints 'agent.* Up'
prints '^ok  *Redis '
prints 'Clock'
healthy() { docker ps --filter name=docker_agent_1 | grep -q '(healthy)'; }
eventually 100 healthy

step "$page: changes"
echo GLOBAL_TAGS=site:shed >>"$where/.env"
run $page 4
intake_of docker_agent_1
arrives docs.tagged 2
grep -q '^docs.tagged 2 .*site:shed' "$scratch/intake.series" || fail "the tag is not there"
echo another | install -m 400 -o 65532 -g 65532 /dev/stdin "$where/api_key"
run $page 5
[[ $(docker exec docker_agent_1 cat /run/secrets/api_key) == another ]] || fail "it has the old key"
install -m 400 -o 65532 -g 65532 /dev/stdin "$where/api_key" <<<"$api_key"
run $page 5

page=migrating.md
step "$page: the settings of the old container are tried"
compose stop agent >/dev/null 2>&1
docker run -d --name chouette --network docker_default -e REDIS_HOST=redis -e API_KEY="$api_key" \
  -e 'COLLECTOR_PLUGINS=["host"]' -e 'GLOBAL_TAGS=["site:barn"]' "${as_options[@]}" \
  "$BASE" sleep infinity >/dev/null
intake_of chouette
put_count docs.waits 3 redis
closed() { (($(redis zcount chouette:metrics:raw.keys 0 $(($(date +%s) - 3))) > 0)); }
eventually 10 closed
run $page 1
prints 'The configuration is good'
prints '"metric":"docs.waits".*"site:barn"'
prints '^ok  *Redis '
[[ $(redis zcard chouette:metrics:raw.keys) == 1 ]] || fail "something was taken out of Redis"
[[ ! -e $where/old.env ]] || fail "the key is left behind"
docker rm --force chouette >/dev/null

page=install-jetson.md
step "$page: with a stand-in for tegrastats"
block $page "configuration: docker/jetson.yaml" 1 |
  sed "s|- /usr/bin/tegrastats:|- $tools/tegrastats:|" >"$where/jetson.yaml"
run $page 1
intake_of docker_agent_1
eventually 30 succeeds $page 2
run $page 2
prints 'Chouette.tegrastats.temperature .*zone:'
eventually 30 grep -q '^Chouette.tegrastats.ram.used ' "$scratch/intake.series"
eventually 30 arrived docs.waits 3

page=install-compose.md
nothing_refused
step "$page: the agent alone, and the end"
compose stop agent >/dev/null 2>&1
run $page 7
intake_of chouette-iot
arrives docs.alone 4
run $page 8
prints 'Redis'
docker rm --force chouette-iot >/dev/null
run $page 6
[[ -z $(docker ps -q) ]] || fail "a container is left"
[[ -n $(docker volume ls -q --filter name=docker_redis) ]] || fail "the data is gone"

page=install-kubernetes.md
if command -v kubectl >/dev/null; then
  step "$page: the manifests"
  where=$scratch/checkout
  run $page 1
  prints '^kind: DaemonSet$'
else
  say "kubectl is not installed: $page not run"
  ran[$page:1]=no
fi
marked=$(cat "$repository"/docs/*.md | grep -c '^<!-- run by: tests/docs/containers_test.sh')
((${#ran[@]} == marked)) || fail "$marked blocks are marked, ${#ran[@]} were run: ${!ran[*]}"
say "all is well: $marked blocks"
