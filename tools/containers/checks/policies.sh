# Checks NetworkPolicies that kube-router's firewall enforces. Sourced by node-check.

# probe NAME NAMESPACE LABELS: prints which of Redis, MinIO, the API and metrics a pod with these labels can reach
probe() {
  local name=probe-$1 pods
  kubectl -n "$2" run "$name" --image="$control" --restart=Never --labels="$3" --overrides='{ "spec": {
    "automountServiceAccountToken": false,
    "securityContext": { "runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": { "type": "RuntimeDefault" } },
    "containers": [{ "name": "'"$name"'", "image": "'"$control"'", "command": ["sleep", "600"],
      "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } } }] } }' >/dev/null
  kubectl -n "$2" wait --for=condition=Ready "pod/$name" --timeout=90s >/dev/null
  # kube-router syncs its rules a moment after a pod starts.
  sleep 5
  pods=$(kubectl -n cryfold get pod -l app.kubernetes.io/component=coordinator -o 'jsonpath={.items[0].status.podIP}')
  kubectl -n "$2" exec "$name" -- node -e '
    const { connect } = require("node:net");
    const reaches = ([, host, port]) => new Promise((resolve) => {
      const socket = connect({ host, port });
      const end = (open) => { socket.destroy(); resolve(open); };
      socket.setTimeout(3000, () => end(false)).on("connect", () => end(true)).on("error", () => end(false));
    });
    const all = process.argv.slice(1).map((one) => one.split("="));
    Promise.all(all.map(reaches)).then((open) => console.log(all.filter((_, i) => open[i]).map(([name]) => name).join(" ") || "nothing"));
  ' redis=redis.cryfold.svc.cluster.local=6379 store=minio.cryfold.svc.cluster.local=9000 \
    api=coordinator.cryfold.svc.cluster.local=8080 "metrics=$pods=9464"
  kubectl -n "$2" delete pod "$name" --grace-period=1 --wait=true >/dev/null
}
# reaches NAME NAMESPACE LABELS EXPECTED
reaches() {
  local found
  found=$(probe "$1" "$2" "$3")
  echo "reaches $found"
  [ "$found" = "$4" ]
}
enforce() {
  kubectl patch node cryfold -p '{"spec":{"podCIDR":"10.244.0.0/24","podCIDRs":["10.244.0.0/24"]}}'
  start kube-router "$(program kube-router)" --kubeconfig="$KUBECONFIG" --hostname-override=cryfold --run-router=false \
    --run-service-proxy=false --run-firewall=true --service-cluster-ip-range=10.96.0.0/16 --health-port=0 --metrics-port=0
  enforced() { iptables-save | grep -q KUBE-NWPLCY; }
  until_true 60 enforced
}

policies_checks() {
  local everything='redis store api metrics'
  if ! program kube-router >/dev/null; then
    skip 'policies: allowed connections' 'no kube-router (tools/containers/build-programs kube-router), so nothing enforces them'
    return
  fi
  # Without this check, a probe that can never reach anything would pass the others.
  check 'policies: without enforcement, a pod reaches everything' reaches before cryfold app=before "$everything"
  check 'policies: kube-router enforces them' enforce
  check 'policies: a pod without labels reaches nothing' reaches plain cryfold app=plain nothing
  check 'policies: uses-store' reaches store cryfold cryfold.io/uses-store=true store
  check 'policies: uses-redis and uses-store' reaches both cryfold cryfold.io/uses-store=true,cryfold.io/uses-redis=true 'redis store'
  check 'policies: uses-api' reaches api cryfold cryfold.io/uses-api=true api
  kubectl create namespace monitoring >/dev/null 2>&1 || true
  check 'policies: Prometheus: metrics only' reaches prometheus monitoring app.kubernetes.io/name=prometheus metrics
  check 'policies: a pod in another namespace reaches nothing' reaches other default app=other nothing
  check 'policies: an evaluation finishes while they are enforced' enforced_evaluation
}
enforced_evaluation() {
  job enforced "$control" run --data /data/corpus --estimators svm --folds 4 --repeats 1 && completes enforced
}
