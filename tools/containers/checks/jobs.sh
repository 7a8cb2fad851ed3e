# Checks evaluations, a sweep and retraining as Jobs. Sourced by node-check.

# job NAME IMAGE ARGUMENT ...: creates a Job that runs cryfold
job() {
  local name=$1 image=$2 words=; shift 2
  words=$(printf "'%s', " "$@")
  sed -e "s#NAME#$name#; s#IMAGE#$image#; s#ARGS#[${words%, }]#" "$here/node/evaluation.yaml" | kubectl apply -f -
}
# Failed pods of a Job may remain, but the Job itself must succeed.
job_state() { kubectl -n cryfold get job "$1" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}'; }
over() { case $(job_state "$1") in *Complete*Complete* | *Complete | *Failed) ;; *) return 1 ;; esac; }
# completes NAME [SECONDS]
completes() {
  until_true "${2:-300}" over "$1" || true
  case $(job_state "$1") in *Complete*) ;; *) describe "$1"; return 1 ;; esac
  # Some pods may have been deleted.
  kubectl -n cryfold logs "job/$1" --tail=3 2>/dev/null || true
}
describe() { kubectl -n cryfold get pods -o wide; kubectl -n cryfold describe "job/$1" | tail -n 25; kubectl -n cryfold logs "job/$1" --tail=20 || true; }

corpus() { job corpus "$control" data synth /data/corpus --clips 200 && completes corpus 120; }
evaluation() {
  job evaluation "$control" run --data /data/corpus --estimators svm --folds 3 --repeats 1 && completes evaluation
}
sweep_job=
sweep() {
  local manifests=$node/sweep.json
  mkdir -p "$node/sweep" && cp "$here/node/sweep.yaml" "$node/sweep/" && chmod -R a+rX "$node/sweep"
  podman run --rm --network none --no-healthcheck -v "$node/sweep:/sweep:ro" "$control" \
    sweep /sweep/sweep.yaml --data /data/corpus --kubernetes --image "$control" >"$manifests"
  sweep_job=$(sed -n 's/^ *"name": "\(sweep-[0-9a-f]*\)",$/\1/p' "$manifests" | head -n 1)
  kubectl apply -f "$manifests"
  started() { kubectl -n cryfold logs deployment/worker-cpu --since=60s | grep -q 'fold started\|trained\|committed'; }
  until_true 120 started
  kubectl -n cryfold delete pod -l app.kubernetes.io/component=worker-cpu --grace-period=1 --wait=false
  kubectl -n cryfold delete pod redis-0 --grace-period=1
  kubectl -n cryfold delete pod -l app.kubernetes.io/component=coordinator --grace-period=1 --wait=false
  completes "$sweep_job" 420 && echo 'worker, coordinator and Redis deleted in the middle'
}
first_retrain() {
  kubectl -n cryfold create job first-retrain --from=cronjob/retrain
  completes first-retrain
  kubectl -n cryfold logs job/first-retrain | grep 'the champion is'
}
scheduled() { kubectl -n cryfold get jobs -o name | grep -o 'retrain-[0-9][0-9]*$' | head -n 1; }
retrain_by_schedule() {
  local name code
  kubectl -n cryfold patch cronjob retrain -p '{"spec":{"schedule":"* * * * *"}}'
  until_true 90 test_scheduled
  kubectl -n cryfold patch cronjob retrain -p '{"spec":{"schedule":"30 2 * * *"}}'
  name=$(scheduled)
  completes "$name"
  kubectl -n cryfold logs "job/$name" | tail -n 1
}
test_scheduled() { [ -n "$(scheduled)" ]; }
bad_spec() {
  # The same Job with an invalid spec fails immediately and is not retried.
  kubectl -n cryfold create configmap bad-spec --from-literal=spec.yaml='version: 1
estimators: { svm: { kind: none } }'
  kubectl -n cryfold create job bad-retrain --from=cronjob/retrain --dry-run=client -o yaml |
    sed 's/name: cryfold-retrain-[a-z0-9]*/name: bad-spec/' | kubectl apply -f -
  until_true 180 over bad-retrain
  kubectl -n cryfold get job bad-retrain -o 'jsonpath={.status.failed} failed pod, {.status.conditions[?(@.type=="Failed")].reason}' | tee /dev/stderr | grep -q '^1 failed pod, PodFailurePolicy'
}
network_fold() {
  kubectl -n cryfold scale deployment worker-gpu --replicas=1
  kubectl -n cryfold rollout status deployment/worker-gpu --timeout=5m
  job network "$control" run --data /data/corpus --estimators small-cnn --epochs 1 --folds 2 --repeats 1
  completes network 600
  kubectl -n cryfold scale deployment worker-gpu --replicas=0
}

jobs_checks() {
  check 'jobs: a synthetic corpus is written to the volume' corpus
  check 'jobs: an evaluation finishes' evaluation
  check 'jobs: a sweep survives deleted pods' sweep
  check 'jobs: retraining creates a first champion' first_retrain
  check "jobs: retraining runs on the CronJob's schedule" retrain_by_schedule
  check 'jobs: a bad spec is not retried' bad_spec
  if podman image exists "$gpu"; then check 'jobs: a network is trained by worker-gpu' network_fold
  else skip 'jobs: a network is trained by worker-gpu' "$gpu is not built"; fi
}
