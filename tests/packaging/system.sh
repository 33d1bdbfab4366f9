# shellcheck shell=bash disable=SC2034,SC2154
# Sourced after support.sh by the tests that need a whole Debian: trees made by debootstrap, and
# systems that systemd-nspawn runs from copies of them.

# Of the tree debian-system.
system_packages=(systemd-sysv dbus redis-server ca-certificates python3-redis)

# make_tree NAME PACKAGE...: $folder/NAME, unless an earlier run has left it there.
make_tree() {
  local tree=$folder/$1 packages
  [[ ! -e $tree ]] || return 0
  packages=$(IFS=, && echo "${*:2}")
  say "making a Debian tree with $packages"
  rm -rf "$tree.part"
  debootstrap --variant=minbase --include="$packages" "${SUITE:-bookworm}" "$tree.part" \
    >"$scratch/debootstrap.log" 2>&1 || fail "debootstrap: $(tail -n 3 "$scratch/debootstrap.log")"
  mv "$tree.part" "$tree"
}

# copy_tree NAME: what the functions below work on, $system, is a copy of it.
copy_tree() {
  system=$scratch/system
  cp -a --reflink=auto "$folder/$1" "$system"
  echo '127.0.0.1 localhost chouette-test' >"$system/etc/hosts"  # as Debian's installer does
  echo chouette-test >"$system/etc/hostname"
}

in_tree() {
  chroot "$system" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"
}

quietly() { "$@" >"$scratch/out" 2>&1 || fail "$*: $(tail -n 20 "$scratch/out")"; }

run_nspawn() {
  systemd-nspawn --quiet --directory="$system" --machine="chouette-test-$$" \
    --hostname=chouette-test --register=no --keep-unit --console=pipe --link-journal=no "$@" \
    </dev/null >>"$scratch/console.log" 2>&1 &
  nspawn=$!
}

# Ends the test with 77 where systemd-nspawn does not work.
need_nspawn() {
  need systemd-nspawn nsenter
  systemd-nspawn --quiet --directory="$system" --register=no --keep-unit --private-network true \
    </dev/null >"$scratch/out" 2>&1 || skip "systemd-nspawn does not work here: $(<"$scratch/out")"
}

# Boots the tree with a network of its own; its systemd is $init.
boot() {
  run_nspawn --boot --private-network
  eventually 20 find_init systemd
  init=$(find_init systemd)
  eventually 120 inside systemctl is-active multi-user.target
}

# Runs the tree without a systemd, and with the network of this machine.
open_tree() {
  run_nspawn --as-pid2 sleep infinity
  eventually 20 find_init '(sd-stubinit)'
  init=$(find_init '(sd-stubinit)')
  eventually 20 inside grep -q sleep /proc/2/comm
}

find_init() {
  local child
  for child in $(<"/proc/$nspawn/task/$nspawn/children"); do
    if [[ $(<"/proc/$child/comm") == "$1" ]]; then
      echo "$child"
      return 0
    fi
  done
  return 1
}

inside() {
  nsenter --target "$init" --all env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
    DEBIAN_FRONTEND=noninteractive "$@"
}

has_ended() { ! grep -qs '^State:.[^ZX]' "/proc/$1/status"; }

forget_system() {
  unset nspawn init
  rm -rf "/run/systemd/nspawn/propagate/chouette-test-$$" \
    "/run/systemd/nspawn/locks/inode-$(stat -c %d:%i "$system")"
}

# As a power cut: all at once. The system would outlive systemd-nspawn, so its process 1 is killed.
end_system() {
  [[ -n ${nspawn:-} ]] || return 0
  local first=${init:-$(find_init systemd || find_init '(sd-stubinit)' || true)}
  [[ -z $first ]] || kill -KILL "$first" 2>/dev/null || true
  for _ in {1..50}; do  # it ends after the last process of its system
    ! has_ended "${first:-none}" || break
    sleep 0.1
  done
  kill -KILL "$nspawn" 2>/dev/null || true
  wait "$nspawn" 2>/dev/null || true
  forget_system
}

# Ends the system in good order.
power_off() {
  kill -s RTMIN+4 "$init"  # systemd takes it for "systemctl poweroff"
  await_end 0
}

# Reboots it in good order. systemd-nspawn leaves the second half to whoever has started it.
reboot_system() {
  inside systemctl reboot >/dev/null 2>&1 || true  # its answer may not come any more
  await_end 133
  boot
}

await_end() {
  local status=0
  eventually 120 has_ended "$nspawn"
  wait "$nspawn" || status=$?
  ((status == $1)) || fail "systemd-nspawn ended with $status"
  forget_system
}

# Of the service.
show() { inside systemctl show --value --property "$1" chouette-iot; }
is() { [[ $(show "$1") == "$2" ]]; }
expect() { is "$1" "$2" || fail "$1 is $(show "$1"), not $2"; }
redis() { inside redis-cli "$@"; }
answers() { [[ $(redis ping) == PONG ]]; }
