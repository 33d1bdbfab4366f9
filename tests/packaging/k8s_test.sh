#!/usr/bin/env bash
# Checks the Kubernetes manifests as kustomize puts them together: against Kubernetes' schemas, with
# unknown keys as errors, and for what they promise (k8s_test.mjs). Then podman runs the DaemonSet's
# pod, and this script asks its probes as a kubelet would.
#   tests/packaging/k8s_test.sh [FOLDER]   FOLDER keeps npm packages, base and layers for the next run
#   OUTAGE=30   for how many seconds Redis and the intake are away
#   AGENT_ARCHIVE=FILE   what "docker save" has made of the agent's image: it is not built then
# Needs kubectl, node, and the npm registry or what FOLDER has kept; for the pod root, debootstrap,
# podman, runc, catatonit, redis-cli, python3, nsenter; else exit code 77.
set -euo pipefail
# shellcheck source=support.sh
source "$(dirname "$0")/support.sh"

need kubectl node npm
open_folder "${1:-}"

# The first knows which fields must be there and of which kind, the second which there are at all.
packages=(kubernetes-models@4.5.1 @kubernetes/client-node@1.4.0 js-yaml@4.1.0)
if [[ ! -e $folder/npm/complete ]]; then
  mkdir -p "$folder/npm"
  echo '{"private": true}' >"$folder/npm/package.json"
  npm install --prefix "$folder/npm" --ignore-scripts --no-audit --no-fund --silent "${packages[@]}" \
    >"$scratch/npm.log" 2>&1 || skip "npm cannot install ${packages[*]}: $(tail -n 1 "$scratch/npm.log")"
  touch "$folder/npm/complete"
fi

cp -r "$repository/docker/k8s" "$scratch/k8s"
printf %s "$api_key" >"$scratch/k8s/api_key"
kubectl kustomize "$scratch/k8s" >"$scratch/manifests.yaml"
node "$here/k8s_test.mjs" "$folder/npm" "$scratch/manifests.yaml" "$repository/docker/compose.yaml"

need podman runc catatonit redis-cli python3 nsenter
step() { say "- $*"; }
ENGINE=podman
# What a container may not ask for where this runs in one itself; and systemd is not to run the
# image's HEALTHCHECK.
export CONTAINERS_CONF=$scratch/containers.conf DISABLE_HC_SYSTEMD=true
cat >"$CONTAINERS_CONF" <<'CONF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
CONF
start_engine
make_base
build_agent chouette-iot:latest
build_redis redis:7.2-bookworm

intake_inside=18126
cat >>"$scratch/k8s/settings.env" <<SETTINGS
DATADOG_URL=http://127.0.0.1:$intake_inside/api
DATADOG_LOGS_URL=http://127.0.0.1:$intake_inside
AGGREGATE_INTERVAL=1
CAPTURE_INTERVAL=1
RELEASE_INTERVAL=2
SETTINGS
kubectl kustomize "$scratch/k8s" >"$scratch/manifests.yaml"
node "$here/k8s_pod.mjs" "$folder/npm" "$scratch/manifests.yaml" "$scratch" >"$scratch/pod.yaml"

container() { engine inspect --format "{{$2}}" "agent-$1"; }
pid_of() { container "$1" .State.Pid; }
clean_up() {
  if ((status != 0)) && engine container exists agent-agent; then engine logs --tail 20 agent-agent; fi
}
redis() { in_network redis-cli "$@"; }
probe() { in_network python3 "$here/k8s_probe.py" "$scratch/probes.json" "$@"; }
fails() { ! "$@"; }
all_ready() {
  probe agent liveness && probe agent readiness && probe redis liveness && probe redis readiness
}

step "the pod starts: Redis and the agent are ready"
engine kube play --network none "$scratch/pod.yaml" >"$scratch/play.log" 2>&1 ||
  fail "podman kube play: $(tail -n 5 "$scratch/play.log")"
# The network is the pod's: it outlives its containers.
infra=$(engine inspect --format '{{.State.Pid}}' "$(engine pod inspect --format '{{.InfraContainerID}}' agent)")
in_network() { nsenter --net --target "$infra" "$@"; }
eventually 60 all_ready

step "what confines them is in force"
data=$scratch/node/var/lib/chouette-iot/redis
[[ $(stat -c %u "$data") == 999 ]] || fail "the folder is not Redis's"
for each in agent:65532:64 redis:999:160; do
  IFS=: read -r name user memory <<<"$each"
  status_file=/proc/$(pid_of "$name")/status
  [[ $(awk '$1 == "Uid:" { print $2 }' "$status_file") == "$user" ]] || fail "$name is another user"
  [[ $(awk '$1 == "CapEff:" { print $2 }' "$status_file") =~ ^0+$ ]] || fail "$name has capabilities"
  [[ $(awk '$1 == "NoNewPrivs:" { print $2 }' "$status_file") == 1 ]] || fail "$name may get more"
  [[ $(container "$name" .HostConfig.Memory) == $((memory * 1024 * 1024)) ]] || fail "$name: memory"
  [[ $(container "$name" .HostConfig.ReadonlyRootfs) == true ]] || fail "$name can write"
done

step "an application's metrics and the node's arrive"
start_intake $intake_inside nsenter --net --target "$infra"
put_count test.pod 5 redis
eventually 30 arrived test.pod 5
eventually 30 grep -q '^Chouette.host.memory.used ' "$scratch/intake.series"
eventually 30 grep -q '^Chouette.host.fs.used ' "$scratch/intake.series"

step "the agent is killed: its container starts again, Redis's goes on"
agent_pid=$(pid_of agent)
redis_pid=$(pid_of redis)
stop_intake
put_count test.killed 6 redis
kill -KILL "$agent_pid"
runs_again() { [[ $(container agent .State.Running) == true && $(pid_of agent) != "$agent_pid" ]]; }
eventually 30 runs_again
eventually 30 all_ready
[[ $(pid_of redis) == "$redis_pid" ]] || fail "Redis was started again too"
start_intake $intake_inside nsenter --net --target "$infra"
eventually 60 arrived test.killed 6

outage=${OUTAGE:-30}
lives() {  # lives SECONDS: the liveness probe succeeds each time
  local end=$((SECONDS + $1)) asked=0
  while ((SECONDS < end)); do
    probe agent liveness || fail "the agent would be started again"
    asked=$((asked + 1))
    sleep 1
  done
  say "alive $asked times of $asked"
}

step "the link hangs for $outage s: the pod stays alive and ready"
kill -STOP "${pids[-1]}"
put_count test.link 7 redis
lives "$outage"
probe agent readiness || fail "it is not ready"
kill -CONT "${pids[-1]}"
eventually 120 arrived test.link 7

step "Redis hangs for $outage s: the agent is alive, but not ready"
kill -STOP "$redis_pid"
eventually 30 fails probe agent readiness
lives "$outage"
kill -CONT "$redis_pid"
eventually 30 all_ready

step "Redis is stopped for $outage s: the agent is alive, but not ready"
agent_pid=$(pid_of agent)
put_count test.stopped 8 redis
engine stop --time 10 agent-redis >/dev/null
eventually 30 fails probe agent readiness
lives "$outage"
engine start agent-redis >/dev/null
eventually 30 all_ready
[[ $(pid_of agent) == "$agent_pid" ]] || fail "the agent was started again"
eventually 60 arrived test.stopped 8

step "an agent that hangs is not alive"
kill -STOP "$agent_pid"
eventually 20 fails probe agent liveness
kill -CONT "$agent_pid"
eventually 20 all_ready
nothing_refused

step "the pod stops in time"
begin=$SECONDS
engine pod stop --time 20 agent >/dev/null
say "stopped after $((SECONDS - begin)) s"
for name in agent redis; do
  [[ $(container $name .State.ExitCode) == 0 ]] || fail "$name: exit code $(container $name .State.ExitCode)"
done
say "all is well"
