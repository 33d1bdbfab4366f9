#!/usr/bin/env bash
# Cross-builds the Debian package and the tests for arm64 or armhf in a Debian tree, as
# docs/cross-building.md says, and runs the packaged program and the unit tests under qemu-user.
#   tests/packaging/cross_test.sh [FOLDER]   FOLDER keeps the tree and the build for the next run
#   ARCH=arm64|armhf: arm64 if not given   JOBS: of the build
# Needs root, debootstrap, unshare, another machine than ARCH; else exit code 77.
set -euo pipefail
# shellcheck source=support.sh
source "$(dirname "$0")/support.sh"

largest_package=2000000
# What qemu-user cannot do, and why: docs/cross-building.md.
not_under_qemu=ChildProcessTest.NamesTheReasonWhenAProgramCannotBeStarted
not_under_qemu+=:ExecPlugin.NamesCommandsThatCannotBeStartedWithoutTheirArguments
not_under_qemu+=:TegrastatsPlugin.SaysThatThereIsNoSuchProgram
not_under_qemu+=:ChildProcessTest.LeadsAGroupOfItsOwn
not_under_qemu+=:ChildProcessTest.InheritsNoBlockedOrIgnoredSignal
not_under_qemu+=:ChildProcessTest.SendsEachSignalOnce
not_under_qemu+=:ChildProcessTest.ReapsOrphansWhereTheyBecomeItsChildren
not_under_qemu+=:ChildProcessTest.WaitsForNoOrphanThatCannotBeEnded
not_under_qemu+=:ExecPlugin.StartsNoCommandAgainWhoseOrphanCannotBeEnded
# They take minutes.
not_under_qemu+=:LoadConfig.KeepsEachFaultOnOneShortLineOfUtf8
not_under_qemu+=:RawMetricParser.ReadsAsAnotherParserDoes
ARCH=${ARCH:-arm64}
case $ARCH in
  arm64) machine=AArch64 emulator=qemu-aarch64-static ;;
  armhf) machine=ARM emulator=qemu-arm-static ;;
  *) fail "ARCH is arm64 or armhf" ;;
esac

((EUID == 0)) || skip "a Debian tree needs root"
need debootstrap unshare dpkg-deb readelf
[[ $(dpkg --print-architecture) != "$ARCH" ]] || skip "nothing to cross-build here"
open_folder "${1:-}"
tree=$folder/tree-$ARCH
step() { say "- $ARCH: $*"; }

# Runs a command in the tree, with the repository at /src. The mounts end with it.
in_tree() {
  unshare --mount --fork --kill-child --propagation private bash -c '
    set -e
    mount -t proc proc "$0/proc"
    mount -t tmpfs tmpfs "$0/dev/shm"
    mount --bind -o ro "$1" "$0/src"
    shift
    exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root "$@"
  ' "$tree" "$repository" "$@"
}
quietly() { "$@" >"$scratch/out" 2>&1 || fail "$*: $(tail -n 20 "$scratch/out")"; }

if [[ ! -e $tree ]]; then
  step "making a Debian tree"
  # A host's mounts, as /proc, must not be left in a tree that is given up half-way.
  quietly unshare --mount --propagation private \
    debootstrap --variant=minbase "${SUITE:-bookworm}" "$tree.part"
  mkdir "$tree.part/src"
  mv "$tree.part" "$tree"
fi

step "what it is built from"
quietly in_tree /src/scripts/deps cross "$ARCH"
quietly in_tree /src/scripts/deps cross-tests "$ARCH"

step "build"
begin=$SECONDS
quietly in_tree CMAKE_ARGS=-DCHOUETTE_WERROR=ON JOBS="${JOBS:-}" \
  /src/packaging/build-deb "$ARCH" /build
say "built in $((SECONDS - begin)) s"

step "the package"
package=$(echo "$tree"/build/chouette-iot_*.deb)
say "$(basename "$package"): $(stat -c %s "$package") bytes"
[[ $(dpkg-deb -f "$package" Architecture) == "$ARCH" ]] || fail "it is for another architecture"
[[ $(dpkg-deb -f "$package" Version) == $(version) ]] || fail "another version than CMake's"
depends=$(dpkg-deb -f "$package" Depends)
for library in libc6 libcaf-core libcurl4 libgcc-s1 libhiredis libmicrohttpd libstdc++6; do
  [[ ", $depends" == *", $library"* ]] || fail "it does not depend on $library: $depends"
done
[[ $depends != *-cross* ]] || fail "it depends on the compiler's libraries: $depends"
(($(stat -c %s "$package") < largest_package)) || fail "more than $largest_package bytes"
rm -rf "$tree/package"
dpkg-deb -x "$package" "$tree/package"
program=/package/usr/bin/chouette-iot
say "the program: $(stat -c %s "$tree$program") bytes"
readelf -h "$tree$program" | grep "Machine: *$machine\$" >/dev/null || fail "the program's machine"
! readelf -S "$tree$program" | grep -F .symtab >/dev/null || fail "it is not stripped"

step "the program runs"
[[ $(in_tree "$emulator" "$program" --version) == "chouette-iot $(version)" ]] || fail "its version"
quietly in_tree API_KEY="$api_key" "$emulator" "$program" --check-config
status=0
in_tree "$emulator" "$program" --check-config >"$scratch/out" 2>&1 || status=$?
[[ $status == 78 ]] || fail "without a key: exit code $status: $(<"$scratch/out")"

step "the unit tests"
quietly in_tree cmake -DBUILD_TESTING=ON /build
quietly in_tree cmake --build /build ${JOBS:+-j "$JOBS"} --target unit_tests
begin=$SECONDS
in_tree sh -c "cd /build/tests && $emulator ./unit_tests --gtest_filter=-$not_under_qemu" \
  >"$scratch/out" 2>&1 ||
  fail "$(grep -E '^\[  FAILED' "$scratch/out" || tail -n 20 "$scratch/out")"
say "$(grep -F '[  PASSED  ]' "$scratch/out") after $((SECONDS - begin)) s"
say "all is well"
