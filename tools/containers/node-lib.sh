# Shared by the scripts for the one-node Kubernetes. Sourced, not run.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
node=$work/node
# Paths of sockets must be short.
run=/run/cryfold-node
address=10.99.0.1
# The name of an interface may have at most 15 characters.
bridge=cryfold
api_port=${NODE_API_PORT:-26443} etcd_port=${NODE_ETCD_PORT:-22379} registry_port=${NODE_REGISTRY_PORT:-25000}
export KUBECONFIG=$node/kubeconfig
# podman uses HTTPS for every registry that is not listed as insecure.
export CONTAINERS_REGISTRIES_CONF=$work/registries.conf
mkdir -p "$work"
printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = true\n' "$registry_port" >"$CONTAINERS_REGISTRIES_CONF"

kubectl() { "$(program kubectl)" "$@"; }
# start NAME COMMAND ...: runs in the background, in its own session, so that Ctrl-C stops the script but not the node
start() {
  local name=$1; shift
  setsid "$@" >"$node/$name.log" 2>&1 </dev/null &
  echo $! >"$node/$name.pid"
}
# stop NAME: sends SIGTERM, and SIGKILL after 15 s
stop() {
  local file=$node/$1.pid pid
  [ -e "$file" ] || return 0
  pid=$(cat "$file") && rm -f "$file"
  kill "$pid" 2>/dev/null || return 0
  gone() { case $(ps -o stat= -p "$pid") in '' | Z*) ;; *) return 1 ;; esac; }
  until_true 15 gone 2>/dev/null || kill -9 "$pid" 2>/dev/null || true
}
# missing_programs: prints the programs that a node needs but this machine lacks
missing_programs() {
  local name missing=()
  for name in etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl coredns pause; do
    program $name >/dev/null || missing+=("$name")
  done
  echo "${missing[*]}"
}
ready_node() {
  [ "$(kubectl get node cryfold -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}
