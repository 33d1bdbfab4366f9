#!/usr/bin/env bash
# Does what the documentation tells a newcomer, with its own commands, in a fresh Debian: clones the
# project, "Try it", "Test it" (the unit tests), builds the package; then installs it in a system
# with Redis, and reboots that one while the intake is away.
#   tests/packaging/newcomer_test.sh [FOLDER]   FOLDER keeps the Debian trees for the next run
#   PACKAGE=a .deb, to do only what comes after building it
# Needs root, git, debootstrap, systemd-nspawn, nsenter, python3, a network for apt; else exit code
# 77. It builds the agent three times, and the tests once.
set -euo pipefail
# shellcheck source=support.sh
source "$(dirname "$0")/support.sh"
# shellcheck source=system.sh
source "$here/system.sh"

((EUID == 0)) || skip "a Debian tree needs root"
need git debootstrap systemd-nspawn nsenter python3
open_folder "${1:-}"
step() { say "- $*"; }

clean_up() {
  if ((status != 0)) && [[ -n ${init:-} ]]; then
    inside journalctl --no-pager --lines 30 --unit chouette-iot --unit shop 2>/dev/null
  fi
  end_system
}

# commands PAGE HEADING: what is indented below a heading first.
commands() {
  awk -v heading="## $2" '
    /^#/ { below = $0 == heading }
    below && /^    / { print substr($0, 5); found = 1; next }
    below && found { exit }' "$repository/$1" | grep . || fail "$1 has no commands below $2"
}
# Who types "y".
assume_yes() { echo 'APT::Get::Assume-Yes "true";' >"$system/etc/apt/apt.conf.d/assume-yes"; }
newcomer() { inside runuser --login newcomer --command "cd ~/chouette-iot && $1"; }

build() {
  step "a newcomer clones the project"
  git -C "$repository" rev-parse HEAD >/dev/null 2>&1 || skip "$repository is no git checkout"
  make_tree debian-newcomer git sudo ca-certificates
  copy_tree debian-newcomer
  need_nspawn
  in_tree useradd --create-home --shell /bin/bash newcomer
  echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$system/etc/sudoers.d/newcomer"
  assume_yes
  git clone --quiet --bare "file://$repository" "$system/srv/chouette-iot.git"
  in_tree chown -R newcomer: /srv/chouette-iot.git
  open_tree
  inside runuser --login newcomer --command 'git clone --quiet file:///srv/chouette-iot.git'

  try_it
  step "Test it: $(commands README.md 'Test it') -L unit"
  newcomer "$(commands README.md 'Test it') -L unit" >"$scratch/test.log" 2>&1 ||
    fail "$(tail -n 30 "$scratch/test.log")"
  say "$(grep 'tests passed' "$scratch/test.log")"
  grep -q '^100% tests passed' "$scratch/test.log" || fail "not all passed"
  nothing_remains

  step "Build the package"
  newcomer "set -e; $(commands docs/install-debian.md 'Build the package')" \
    >"$scratch/package.log" 2>&1 || fail "$(tail -n 20 "$scratch/package.log")"
  package=$(echo "$system"/home/newcomer/chouette-iot/build-deb/chouette-iot_*.deb)
  say "$(basename "$package")"
  mv "$package" "$scratch"
  package=$scratch/$(basename "$package")
  [[ -z $(newcomer 'git status --porcelain') ]] || fail "it leaves $(newcomer 'git status --porcelain')"
  end_system
  rm -rf "$system"
}

# With a terminal, so that its Ctrl-C ends it as the newcomer's would.
try_it() {
  local output=$system/home/newcomer/output terminal begin=$SECONDS status=0
  step "Try it: $(commands README.md 'Try it')"
  mkfifo "$scratch/keyboard"
  newcomer "script --quiet --flush --return --command '$(commands README.md 'Try it')' ~/output" \
    <"$scratch/keyboard" >/dev/null 2>&1 &
  terminal=$!
  exec 8>"$scratch/keyboard"
  ended_or_shows() { has_ended "$terminal" || grep -q "$1" "$output"; }
  shows() {  # shows TEXT SECONDS
    eventually "$2" ended_or_shows "$1"
    grep -q "$1" "$output" || fail "it has ended: $(tail -n 20 "$output")"
  }
  shows 'run: starting the agent' 3600
  say "it runs after $((SECONDS - begin)) s"
  begin=$SECONDS
  shows ' demo\.orders ' 60
  shows ' Chouette\.host\.memory\.used ' 60
  say "metrics are shown $((SECONDS - begin)) s later"
  printf '\003' >&8
  eventually 20 has_ended "$terminal"
  exec 8>&-
  wait "$terminal" || status=$?
  grep -q 'the agent has ended with exit code 0' "$output" || fail "$(tail -n 20 "$output")"
  say "Ctrl-C ends it with exit code $status"
  ((status == 0)) || fail "another exit code"
  nothing_remains
}

# Of the tree, processes 1 and 2 are the test's.
processes() {
  # shellcheck disable=SC2016
  inside sh -c 'for p in /proc/[0-9]*; do
    case ${p#/proc/} in 1 | 2 | $$) ;; *) tr "\0" " " <$p/cmdline; echo ;; esac; done 2>/dev/null' |
    grep . || true
}
no_process() { [[ -z $(processes) ]]; }
nothing_remains() {
  for _ in {1..25}; do
    ! no_process || return 0
    sleep 0.2
  done
  fail "processes are left: $(processes)"
}

package=${PACKAGE:-}
if [[ -z $package ]]; then build; fi

step "a system boots with Redis; the package is installed as the documentation says"
make_tree debian-system "${system_packages[@]}"
copy_tree debian-system
need_nspawn
# There is no network later.
quietly in_tree apt-get update -qq
quietly in_tree apt-get satisfy -y -qq --no-install-recommends "$(dpkg-deb -f "$package" Depends)"
assume_yes
mkdir -p "$system/var/log/journal"  # what the journal has is to survive
cp "$package" "$system/root"
boot
eventually 30 answers
install=$(commands docs/install-debian.md 'Install it, with Redis beside it')
install=${install#sudo }
quietly inside sh -c "cd /root && ${install//arm64/"$(dpkg-deb -f "$package" Architecture)"}"
expect ActiveState inactive
# The key, and the lines for Redis on an SD card.
grep -q '^    sudo tee /etc/chouette-iot/api_key ' "$repository/docs/install-debian.md" ||
  fail "the documentation has changed"
inside tee /etc/chouette-iot/api_key >/dev/null <<<"$api_key"
[[ $(inside stat -c '%a %U' /etc/chouette-iot/api_key) == "600 root" ]] || fail "others may read the key"
commands docs/reliability.md 'Redis on an SD card' >>"$system/etc/redis/redis.conf"
inside systemctl restart redis-server
intake=18126
cat >>"$system/etc/default/chouette-iot" <<SETTINGS
DATADOG_URL=http://127.0.0.1:$intake/api
DATADOG_LOGS_URL=http://127.0.0.1:$intake
COLLECTOR_PLUGINS=host
GLOBAL_TAGS=site:shed
AGGREGATE_INTERVAL=2
CAPTURE_INTERVAL=5
RELEASE_INTERVAL=4
SETTINGS

# An application that counts, and remembers how far.
cat >"$system/usr/local/bin/shop" <<'SHOP'
#!/usr/bin/python3
import json, os, signal, time, uuid
import redis

going = True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)

path = os.environ["STATE_DIRECTORY"] + "/written"
written = int(open(path).read()) if os.path.exists(path) else 0
connection = redis.Redis()
while going:
    now, key = time.time(), str(uuid.uuid4())
    metric = {"metric": "test.visits", "type": "count", "value": 1, "timestamp": now, "tags": {}}
    with connection.pipeline() as transaction:
        transaction.zadd("chouette:metrics:raw.keys", {key: now})
        transaction.hset("chouette:metrics:raw.values", key, json.dumps(metric))
        transaction.execute()
    written += 1
    with open(path + ".new", "w") as file:
        file.write(str(written))
    os.rename(path + ".new", path)
    time.sleep(0.05)
SHOP
chmod 755 "$system/usr/local/bin/shop"
cat >"$system/etc/systemd/system/shop.service" <<'SHOP'
[Unit]
After=redis-server.service
[Service]
ExecStart=/usr/local/bin/shop
DynamicUser=yes
StateDirectory=shop
[Install]
WantedBy=multi-user.target
SHOP
written() { cat "$system/var/lib/private/shop/written" 2>/dev/null || echo 0; }
more_than() { (($("$1" "${@:3}") > $2)); }
status_says() { inside chouette-iot status | grep "$1" >/dev/null; }

step "an application's metrics and the host's arrive"
start_intake $intake nsenter --net --target "$init"
inside systemctl daemon-reload
quietly inside systemctl enable --now shop
quietly inside systemctl start chouette-iot
eventually 60 more_than sum_of 20 test.visits
eventually 60 grep -q '^Chouette.host.memory.used .*site:shed' "$scratch/intake.series"
eventually 20 status_says 'up .*: all is well$'
inside chouette-iot status >"$scratch/status"
grep -q 'points in .* bytes since the start' "$scratch/status" || fail "$(<"$scratch/status")"
sed 's/^/    /' "$scratch/status"

step "the intake goes away, the application goes on"
stop_intake
before=$(written)
eventually 60 more_than written $((before + 100))
eventually 60 status_says 'the intake says: '

step "a reboot in the meantime"
arrived_before=$(sum_of test.visits)
reboot_system
booted=$(written)
inside systemctl is-active --quiet shop || fail "the application does not run"
eventually 60 is ActiveState active
inside journalctl --boot -1 --unit chouette-iot --output cat >"$scratch/journal"
grep -q '\[Agent\] stopped' "$scratch/journal" || fail "the agent was not stopped: $(tail "$scratch/journal")"
eventually 60 more_than written $((booted + 100))
eventually 60 status_says 'the intake says: '
[[ $(sum_of test.visits) == "$arrived_before" ]] || fail "the intake was not away"

step "the intake is back: nothing is lost, nothing comes twice"
start_intake $intake nsenter --net --target "$init"
back=$(written)
eventually 60 more_than written $((back + 100))
inside systemctl stop shop
all=$(written)
complete() { [[ $(sum_of test.visits) == "$all" ]]; }
eventually 120 complete
eventually 20 status_says 'nothing since the start'
sleep 9  # two releases more
complete || fail "$(sum_of test.visits) of $all"
say "$all written: $arrived_before arrived before, $((booted - arrived_before)) waited through the" \
  "reboot, $((all - booted)) came after"
nothing_refused

step "it powers off in good order"
power_off
say "all is well"
