# Checks that KEDA's operator and metrics adapter scale the workers based on Prometheus. Sourced by node-check.
keda_version=v2.21.0

keda_source() { (cd / && go mod download -json "github.com/kedacore/keda/v2@$keda_version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'); }
prometheus() {
  "$here/push-image" "$(service_image PROMETHEUS)"
  sed "s#IMAGE#$(service_image PROMETHEUS)#" "$here/node/monitoring.yaml" | kubectl apply -f -
  kubectl -n monitoring rollout status deployment/prometheus --timeout=3m
}
# Installs KEDA's own manifests without its admission webhooks. The images contain only KEDA's programs.
operator() {
  local source part
  source=$(keda_source)
  [ -d "$source/config" ]
  "$here/push-image" --program keda-operator cryfold-node/keda:1 keda
  "$here/push-image" --program keda-adapter cryfold-node/keda-metrics-apiserver:1
  cp -r "$source/config" "$node/keda"
  chmod -R u+w "$node/keda"
  kubectl apply --server-side -k "$node/keda/crd" >/dev/null
  for part in general rbac service_account manager metrics-server; do
    kubectl kustomize "$node/keda/$part" |
      sed -E 's#image: [^ ]*/kedacore/(keda[a-z-]*):.*#image: cryfold-node/\1:1#; s#imagePullPolicy: Always#imagePullPolicy: IfNotPresent#' |
      awk '{ print } /runAsNonRoot: true/ { match($0, /^ */); printf "%*srunAsUser: 1000\n", RLENGTH, "" }' |
      kubectl apply --server-side -f - >/dev/null
  done
  kubectl -n keda rollout status deployment --timeout=5m
}
replicas() { kubectl -n cryfold get deployment worker-cpu -o 'jsonpath={.spec.replicas}'; }
replicas_are() { [ "$(replicas)" "$@" ]; }
scaled_objects() { kubectl apply -k "$here/overlays/keda" && until_true 180 replicas_are -eq 0 && echo 'an idle cluster has 0 workers'; }
scales_up() {
  job scaled "$control" run --data /data/corpus --estimators svm --folds 5 --repeats 20 --seed 11
  until_true 240 replicas_are -ge 2
  echo "$(replicas) workers" && completes scaled 600
}
scales_down() { until_true 420 replicas_are -eq 0 && echo '0 workers again'; }

keda_checks() {
  local name
  for name in keda-operator keda-adapter; do
    program $name >/dev/null || { skip 'keda: scales workers' "no $name (CRYFOLD_TOOLS)"; return; }
  done
  command -v go >/dev/null || { skip 'keda: scales workers' "no Go to fetch KEDA's manifests"; return; }
  check 'keda: Prometheus starts' prometheus
  check 'keda: operator and metrics adapter start' operator
  check 'keda: scales from one worker to none' scaled_objects
  check 'keda: scales from none to several for a run, which finishes' scales_up
  check 'keda: scales back to none' scales_down
}
