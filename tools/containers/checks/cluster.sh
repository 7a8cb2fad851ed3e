# Checks the overlay dev on the node. Sourced by node-check.

images() {
  local all=("$control" "$worker" "$(service_image REDIS)" "$(service_image MINIO)")
  ! podman image exists "$gpu" || all+=("$gpu")
  "$here/push-image" "${all[@]}" && echo "${#all[@]} images"
}
secrets() { kubectl create namespace cryfold && "$root/scripts/k8s-secrets" | kubectl -n cryfold create -f -; }
install() { kubectl apply -k "$here/overlays/small"; }
rollout() {
  local name
  for name in statefulset/redis statefulset/minio deployment/coordinator deployment/aggregator deployment/worker-cpu; do
    kubectl -n cryfold rollout status "$name" --timeout=4m || { kubectl -n cryfold get pods -o wide; kubectl -n cryfold get events | tail -n 15; return 1; }
  done
}
restarts() {
  local total=0 count
  for count in $(kubectl -n cryfold get pods -o 'jsonpath={.items[*].status.containerStatuses[*].restartCount}'); do total=$((total + count)); done
  echo "$total restarts"
  [ "$total" = 0 ]
}

cluster_checks() {
  check 'node: images are pushed to its registry' images
  check 'node: Secrets are created' secrets
  check 'node: overlay dev, with retraining, is applied' install
  check 'node: every pod becomes ready' rollout
  check 'node: no pod was restarted' restarts
}
