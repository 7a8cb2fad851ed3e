# Shared by the scripts in this folder: file locations, and functions that report checks. Sourced, not run.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${CRYFOLD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cryfold}
# The folder for base images, checks and nodes. It is not in /tmp, which may be in memory.
work=${CRYFOLD_CONTAINERS:-/var/tmp/cryfold-containers}
binaries=$work/bin
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$root/package.json")

# Settings for podman without systemd (in a container or in CI): cgroupfs, events in a file, runc (since crun refuses
# cgroup v1 alongside v2), and limits no higher than the shell's own, which only CAP_SYS_RESOURCE may raise.
if [ ! -d /run/systemd/system ] && [ -z "${CONTAINERS_CONF:-}" ]; then
  mkdir -p "$work"
  export CONTAINERS_CONF=$work/containers.conf
  cat >"$CONTAINERS_CONF" <<END
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=20000:20000"]
END
fi

say() { printf '%s: %s\n' "$(basename "$0")" "$1" >&2; }
fail() { say "$1"; exit 1; }
usage() { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; exit "${1:-0}"; }

# need TOOL ...: fails unless these tools are installed. They are packaged by Debian
need() {
  local tool missing=()
  for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || missing+=("$tool"); done
  [ ${#missing[@]} = 0 ] || fail "not installed: ${missing[*]} (docs/kubernetes.md lists the packages)"
  [ "$(id -u)" = 0 ] || fail 'needs root'
}

# program NAME: prints the path of a binary that Debian does not package. Looks in $work/bin, the cache, and
# CRYFOLD_TOOLS (where it is compressed), in this order. Returns 1 if the binary is in none of them.
program() {
  local name=$1 folder packed
  [ ! -x "$binaries/$name" ] || { echo "$binaries/$name"; return; }
  [ ! -x "$cache/tools/$name" ] || { echo "$cache/tools/$name"; return; }
  for folder in "${CRYFOLD_TOOLS:-/absent}" "${CRYFOLD_TOOLS:-/absent}/linux-x64"; do
    for packed in "$folder/$name.xz" "$folder/$name.gz"; do
      [ -e "$packed" ] || continue
      mkdir -p "$binaries"
      case $packed in *.xz) xz -dc "$packed" ;; *) gzip -dc "$packed" ;; esac >"$binaries/$name.new"
      chmod +x "$binaries/$name.new" && mv "$binaries/$name.new" "$binaries/$name"
      echo "$binaries/$name"
      return
    done
  done
  return 1
}

# service_image NAME: prints the image and tag that compose uses, such as redis:7.2
service_image() { sed -n "s/^ *image: \${$1_IMAGE:-\([^}]*\)}\$/\1/p" "$root/infra/compose.yaml"; }
base_image() { sed -n "s/^ARG $1_IMAGE=//p" "$root/infra/Dockerfile"; }

# Checks print one line each, followed by a summary. `check NAME COMMAND ...` continues after a failure. It prints the
# last line of the command's output next to the name, or the end of the output if the command fails.
passed=0 failed=0 skipped=0 table=${CRYFOLD_CHECKS_TABLE:-}
check() {
  local name=$1 began=$SECONDS log code=0 note; shift
  log=$(mktemp)
  # The command is not in a condition, where Bash would ignore its `set -e`.
  set +e
  (set -e; "$@") >"$log" 2>&1
  code=$?
  set -e
  note=$(tail -n 1 "$log")
  if [ $code = 0 ]; then
    passed=$((passed + 1)) && report ok "$name" $((SECONDS - began)) "$note"
  else
    failed=$((failed + 1)) && report FAILED "$name" $((SECONDS - began)) "exit code $code"
    sed 's/^/    /' "$log" | tail -n "${CHECK_LINES:-30}"
  fi
  rm -f "$log"
  return 0
}
skip() { skipped=$((skipped + 1)); report skipped "$1" 0 "$2"; }
report() {
  printf '%-8s %4d s  %-52s %s\n' "$1" "$3" "$2" "$4"
  [ -z "$table" ] || printf '%s\t%s\t%s\t%s\n' "$1" "$3" "$2" "$4" >>"$table"
}
summary() {
  printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
  [ $failed = 0 ]
}

# until_true SECONDS COMMAND ...: tries a command twice per second; returns 1 after a timeout
until_true() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "timed out: $*" >&2; return 1; }
    sleep 0.5
  done
}
