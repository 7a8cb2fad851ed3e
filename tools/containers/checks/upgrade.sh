# Checks a released overlay with digests, and an upgrade and rollback during a run. Sourced by node-check.

release=$work/release-$$
registry=127.0.0.1:$registry_port
released() {
  rm -rf "$release" "$release.2"
  # The same base images as in tools/containers/build-images, so that every layer is cached.
  NODE_DIGEST=$(podman image inspect --format '{{.Digest}}' "$(base_image NODE)") \
    DEBIAN_DIGEST=$(podman image inspect --format '{{.Digest}}' "$(base_image DEBIAN)") \
    "$root/infra/release" --prefix "$registry/" --variant cpu "$release"
  cat "$release/images.txt"
}
installed() {
  apply "$release"
}
# apply FOLDER: installs a release, without the worker for networks
apply() {
  kubectl apply -k "$1/dev"
  kubectl -n cryfold scale deployment worker-gpu --replicas=0
  rolled_out
  images_are "$1"
}
rolled_out() { local name; for name in coordinator aggregator worker-cpu; do kubectl -n cryfold rollout status "deployment/$name" --timeout=5m; done; }
# images_are FOLDER: checks that the running services have the digests of that release
images_are() {
  local digest
  digest=$(awk '$1 == "cryfold/control" { print $3 }' "$1/images.txt")
  [ -n "$digest" ]
  kubectl -n cryfold get pods -l app.kubernetes.io/component=coordinator -o 'jsonpath={.items[*].spec.containers[0].image}' | tee /dev/stderr | grep -q "$digest"
}
# Creates another version with the same code but other digests.
second_version() {
  local image
  cp -r "$release" "$release.2"
  : >"$release.2/images.txt"
  for image in control cpu-worker; do
    printf 'FROM %s/cryfold/%s:%s\nENV CRYFOLD_RELEASE=2\n' "$registry" $image "$version" |
      podman build -q --format docker -t "$registry/cryfold/$image:second" -f - "$release.2"
    podman push -q --digestfile "$release.2/digest" "$registry/cryfold/$image:second"
    sed -i "/cryfold\/$image,/s/sha256:[0-9a-f]*/$(cat "$release.2/digest")/" "$release.2/dev/kustomization.yaml"
    echo "cryfold/$image $registry/cryfold/$image:second $(cat "$release.2/digest")" >>"$release.2/images.txt"
  done
}
in_flight() {
  job in-flight "$control" run --data /data/corpus --estimators svm --folds 5 --repeats 60 --seed 7
  begun() { kubectl -n cryfold logs job/in-flight | grep -q '%\|running\|finished'; }
  until_true 120 begun
}
upgrade() {
  second_version
  in_flight
  apply "$release.2"
  still_in_flight
}
rollback() {
  still_in_flight
  apply "$release"
}
still_in_flight() { ! over in-flight || { echo 'the run finished too early for this check'; return 1; }; }
nothing_lost() {
  completes in-flight 600
  [ -z "$(kubectl -n cryfold get job in-flight -o 'jsonpath={.status.failed}')" ] || { echo 'a pod of the Job failed'; return 1; }
  job listed "$control" list
  completes listed
  # Every run so far must be complete: an evaluation, a sweep, retraining, and the run during the upgrade.
  kubectl -n cryfold logs job/listed >"$node/listed"
  ! grep -E 'incomplete|failed|running|waiting' "$node/listed" || return 1
  echo "$(grep -c complete "$node/listed") runs, all complete"
}

upgrade_checks() {
  if ! podman image exists "$gpu"; then
    skip 'release: install by digest, upgrade, rollback' "$gpu is not built"
    return
  fi
  check 'release: images are pushed, overlays contain their digests' released
  check 'release: kubectl apply -k installs it' installed
  check 'release: upgrade with a run in flight' upgrade
  check 'release: rollback with the same run in flight' rollback
  check 'release: the run finishes, and no other run is lost' nothing_lost
  rm -rf "$release" "$release.2"
}
