#!/usr/bin/env bash
# Builds the Debian packages, installs, upgrades and removes them in a Debian tree, and runs the
# service there under a systemd of its own.
#   tests/packaging/deb_test.sh [FOLDER]   FOLDER keeps the build and the tree for the next run
# Needs root, lintian, debootstrap, systemd-nspawn, nsenter, python3; else exit code 77.
set -euo pipefail
# shellcheck source=support.sh
source "$(dirname "$0")/support.sh"
# shellcheck source=system.sh
source "$here/system.sh"

most_exposure=15  # tenths, of systemd-analyze
largest_package=2000000

((EUID == 0)) || skip "a Debian tree needs root"
need dpkg-buildflags dpkg-shlibdeps cmake ninja lintian systemd-analyze debootstrap man col
open_folder "${1:-}"
build=$folder/deb
step() { say "- $*"; }

clean_up() {
  if ((status != 0)) && [[ -n ${init:-} ]]; then
    inside journalctl --no-pager --lines 30 --unit chouette-iot
  fi
  end_system
}

mode() { stat -c '%a %U:%G' "$system$1"; }
remaining() {
  find "$system"/{etc,usr,var/lib/systemd} -not -path '*/doc/*' -name '*chouette*' -printf '%P\n'
}
journal_says() { inside journalctl --unit chouette-iot --output cat | grep "$1" >/dev/null; }

step "build"
"$repository/packaging/build-deb" "$build" >"$scratch/build.log" 2>&1 ||
  fail "it does not build: $(tail -n 20 "$scratch/build.log")"
package=$(echo "$build"/chouette-iot_*.deb)
say "$(basename "$package"): $(stat -c %s "$package") bytes"
[[ $(dpkg-deb -f "$package" Version) == $(version) ]] || fail "another version than CMake's"
(($(stat -c %s "$package") < largest_package)) || fail "more than $largest_package bytes"

step "lintian"
lintian --allow-root --fail-on error,warning "$build"/*.deb || fail "lintian complains"

step "the unit is well, and exposed little"
dpkg-deb -x "$package" "$scratch/files"
mkdir "$scratch/unit"
unit=$scratch/unit/chouette-iot.service
sed "s|=/usr/bin/|=$scratch/files/usr/bin/|" \
  "$scratch/files/lib/systemd/system/chouette-iot.service" >"$unit"
systemd-analyze verify --man=no "$unit" >"$scratch/verify.log" 2>&1 ||
  fail "systemd-analyze verify: $(<"$scratch/verify.log")"
! grep chouette-iot "$scratch/verify.log" || fail "systemd-analyze verify has warnings"
systemd-analyze security --offline=true --no-pager --threshold=$most_exposure "$unit" \
  >"$scratch/security.log" || fail "systemd-analyze security: $(tail -n 1 "$scratch/security.log")"
say "$(tail -n 1 "$scratch/security.log")"

step "the man page"
man --warnings=all -l "$scratch/files/usr/share/man/man8/chouette-iot.8.gz" \
  >/dev/null 2>"$scratch/man.log" || fail "man fails"
[[ ! -s $scratch/man.log ]] || fail "man warns: $(<"$scratch/man.log")"
man -l "$scratch/files/usr/share/man/man8/chouette-iot.8.gz" 2>/dev/null | col -b >"$scratch/man"
# What --help lists between "Options:" and the settings.
"$build/chouette-iot" --help | sed -n '/^Options:/,/^Settings/s/^  \(-h,\)\?\([a-z-]\+\) .*/\2/p' |
  while read -r word; do
    grep -q -- "$word" "$scratch/man" || fail "it does not mention $word"
  done

make_tree debian-system "${system_packages[@]}"
copy_tree debian-system
cp "$package" "$system/root/first.deb"
# The next version: the same with another number.
dpkg-deb -R "$package" "$scratch/next"
sed -i 's/^Version: .*/&.1/' "$scratch/next/DEBIAN/control"
echo '# new' >>"$scratch/next/etc/default/chouette-iot"
dpkg-deb --root-owner-group -b "$scratch/next" "$system/root/next.deb" >/dev/null

step "apt installs it: the key is root's alone, the settings are not"
quietly in_tree apt-get update -qq
quietly in_tree apt-get install -y -qq --no-install-recommends /root/first.deb
grep -q 'put your Datadog API key into /etc/chouette-iot/api_key' "$scratch/out" ||
  fail "it does not say what to do"
[[ $(mode /etc/chouette-iot/api_key) == "600 root:root" ]] || fail "others may read the key"
[[ $(mode /etc/default/chouette-iot) == "644 root:root" ]] || fail "the settings' mode"
[[ $(in_tree chouette-iot --version) == "chouette-iot $(version)" ]] || fail "it does not run"
! grep -v '^#\|^$' "$system/etc/default/chouette-iot" || fail "a setting is set"

step "an upgrade keeps the key and edited settings, and removal does"
echo "$api_key" >"$system/etc/chouette-iot/api_key"
echo LOG_LEVEL=DEBUG >>"$system/etc/default/chouette-iot"
keeping=(dpkg --force-confdef --force-confold --install)
quietly in_tree "${keeping[@]}" /root/next.deb
kept_well() {
  grep -q '^LOG_LEVEL=DEBUG$' "$system/etc/default/chouette-iot" || fail "the settings are lost"
  [[ $(<"$system/etc/chouette-iot/api_key") == "$api_key" ]] || fail "the key is lost"
  [[ $(mode /etc/chouette-iot/api_key) == "600 root:root" ]] || fail "others may read the key"
}
kept_well
quietly in_tree dpkg -r chouette-iot
kept_well
quietly in_tree "${keeping[@]}" /root/first.deb
kept_well

step "purging leaves nothing"
quietly in_tree dpkg -P chouette-iot
[[ -z $(remaining) ]] || fail "left: $(remaining)"

need python3
need_nspawn
printf '%s\n' 'appendonly yes' 'save ""' >>"$system/etc/redis/redis.conf"
step "a system boots with Redis; a fresh package is enabled, but not started without a key"
boot
eventually 30 answers
quietly inside dpkg -i /root/first.deb
[[ $(inside systemctl is-enabled chouette-iot) == enabled ]] || fail "it is not enabled"
expect ActiveState inactive

step "without a key: exit code 78, and no other try"
refuses() {
  ! inside systemctl start chouette-iot >/dev/null 2>&1 || fail "it starts"
  expect ActiveState failed
  expect ExecMainStatus 78
  expect NRestarts 0
  journal_says 'API_KEY.*is empty' || fail "it does not say why"
}
refuses
inside rm /etc/chouette-iot/api_key
refuses

step "with a key: it starts, and tells systemd and everybody how it is"
install -m 600 /dev/stdin "$system/etc/chouette-iot/api_key" <<<"$api_key"
intake=18126
cat >>"$system/etc/default/chouette-iot" <<SETTINGS
DATADOG_URL=http://127.0.0.1:$intake/api
DATADOG_LOGS_URL=http://127.0.0.1:$intake
COLLECTOR_PLUGINS=host,exec
EXEC_COMMANDS='[["/bin/sh","-c","echo test.sys \$(ls /sys/class/net | wc -l)"],["/bin/sh","-c","cat /srv/group"]]'
GLOBAL_TAGS=["site:shed", "env:prod"]
LOG_LEVEL_FILE=/etc/chouette-iot/log_level
AGGREGATE_INTERVAL=1
CAPTURE_INTERVAL=1
RELEASE_INTERVAL=1
SETTINGS
echo INFO >"$system/etc/chouette-iot/log_level"
mkdir -p "$system/etc/systemd/system/chouette-iot.service.d"
# As the plugin docker is let at its socket.
install -m 640 -g "$(in_tree getent group adm | cut -d: -f3)" /dev/stdin "$system/srv/group" <<<"test.group 9"
printf '%s\n' '[Service]' WatchdogSec=3 RestartSec=1 SupplementaryGroups=adm \
  >"$system/etc/systemd/system/chouette-iot.service.d/quick.conf"
inside systemctl daemon-reload
start_intake $intake nsenter --net --target "$init"
inside systemctl start chouette-iot || fail "it does not start"
expect Type notify
expect ActiveState active
waits() { [[ $(show StatusText) =~ ^[0-9]+\ raw\ metrics\ and\ [0-9]+\ points\ wait$ ]]; }
eventually 20 waits
say "systemctl status shows: $(show StatusText)"
inside runuser -u nobody -- chouette-iot status >"$scratch/status" || fail "nobody may not ask"
inside runuser -u nobody -- chouette-iot health >/dev/null || fail "it is not healthy"

step "metrics of an application and of plugins arrive from within the sandbox"
put_count test.deb 5 redis
eventually 30 arrived test.deb 5
for metric in cpu.percentage fs.used fs.free la memory.used memory.available; do
  eventually 30 grep -q "^Chouette.host.$metric .*site:shed" "$scratch/intake.series"
done
eventually 30 grep -q '^test.sys [1-9]' "$scratch/intake.series"
eventually 30 grep -q '^test.group 9 ' "$scratch/intake.series"
eventually 30 grep -q 'env:prod' "$scratch/intake.series"
inside journalctl --unit chouette-iot --output cat >"$scratch/journal"
! grep 'Plugin\|Collector' "$scratch/journal" | grep '"ERROR"\|"WARNING"' || fail "a plugin complains"

step "commands with the service's settings work as the man page says"
with_settings() {
  inside systemd-run --quiet --pipe --wait -p EnvironmentFile=/etc/default/chouette-iot \
    -E REDIS_HOST=localhost -E API_KEY_FILE=/etc/chouette-iot/api_key chouette-iot "$@" </dev/null
}
quietly with_settings --check-config
quietly with_settings rejected

step "it is nobody in particular, and the key is nowhere to be seen"
agent=$(show MainPID)
[[ $(inside stat -c %u "/proc/$agent") != 0 ]] || fail "it is root"
[[ $(inside sed -n 's/^Cap\(Prm\|Eff\|Bnd\):\t0*//p' "/proc/$agent/status") == "" ]] ||
  fail "it has capabilities"
for text in "$scratch/journal" "$scratch/status" <(inside cat "/proc/$agent/environ") \
  <(inside systemctl show chouette-iot); do
  ! grep -aq "$api_key" "$text" || fail "the key is told"
done
limit=$(inside sh -c "grep 'Max core' /proc/$agent/limits")
[[ $limit =~ ^Max\ core\ file\ size\ +0\ +0 ]] || fail "core files are written: $limit"

step "a reload takes another log level, and keeps the process and the key; a restart takes the key"
has_key() { inside grep -qx "$1" /run/credentials/chouette-iot.service/api_key; }
new_key=${api_key//0/f}
inside tee /etc/chouette-iot/api_key >/dev/null <<<"$new_key"
! journal_says '"DEBUG"' || fail "DEBUG is logged already"
inside tee /etc/chouette-iot/log_level >/dev/null <<<DEBUG
quietly inside systemctl reload chouette-iot
eventually 10 journal_says 'signal 1: .*as before'
eventually 10 journal_says '"DEBUG"'
expect MainPID "$agent"
expect ActiveState active
has_key "$api_key" || fail "a reload changes the key: the documentation is wrong"
put_count test.reloaded 4 redis
eventually 30 arrived test.reloaded 4
quietly inside systemctl restart chouette-iot
has_key "$new_key" || fail "a restart does not take the new key"
inside tee /etc/chouette-iot/api_key >/dev/null <<<"$api_key"
inside tee /etc/chouette-iot/log_level >/dev/null <<<INFO
quietly inside systemctl restart chouette-iot

step "one that hangs is ended by the watchdog and started again"
inside systemctl kill --kill-whom=main --signal=STOP chouette-iot
restarted() { [[ $(show NRestarts) == "$1" && $(show ActiveState) == active ]]; }
eventually 30 restarted 1
journal_says 'Watchdog timeout' || fail "it was not the watchdog"
step "and so is one that is killed"
inside systemctl kill --kill-whom=main --signal=KILL chouette-iot
eventually 30 restarted 2
put_count test.again 6 redis
eventually 30 arrived test.again 6

step "an upgrade starts the new one"
agent=$(show MainPID)
quietly inside "${keeping[@]}" /root/next.deb
expect ActiveState active
[[ $(show MainPID) != "$agent" ]] || fail "the old one goes on"
grep -q '^COLLECTOR_PLUGINS=host,exec$' "$system/etc/default/chouette-iot" || fail "settings are lost"

step "a power cut loses nothing, and the agent comes back by itself"
stop_intake
put_count test.kept 7 redis
kept_in_redis() { redis hvals chouette:metrics:wrapped.values | grep test.kept >/dev/null; }
eventually 20 kept_in_redis
put_count test.raw 8 redis
end_system
boot
start_intake $intake nsenter --net --target "$init"
eventually 30 is ActiveState active
eventually 60 arrived test.kept 7
eventually 60 arrived test.raw 8

nothing_refused

step "it stops in time, and well"
begin=$(date +%s%N)
inside systemctl stop chouette-iot
milliseconds=$((($(date +%s%N) - begin) / 1000000))
say "stopped in $milliseconds ms"
((milliseconds < 6000)) || fail "it takes too long to stop"
expect Result success
expect ExecMainStatus 0

step "removal stops it, purging leaves nothing"
inside systemctl start chouette-iot
quietly inside dpkg -r chouette-iot
expect ActiveState inactive
quietly inside dpkg -P chouette-iot
rm -r "$system/etc/systemd/system/chouette-iot.service.d"
[[ -z $(remaining) ]] || fail "left: $(remaining)"
[[ ! -e $system/run/chouette-iot ]] || fail "/run/chouette-iot is left"
say "all is well"
