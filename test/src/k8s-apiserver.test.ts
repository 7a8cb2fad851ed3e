import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTool } from '@cryfold/testing';
import { cryfold, ROOT, temporaryFolder, until } from './command.js';
import {
  HOW,
  KUBE_CACHE,
  KubeCluster,
  type Manifest,
  OVERLAYS,
  pick,
  podTemplates,
  render,
  renderText,
  say,
} from './kube.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cluster: KubeCluster | undefined;
let kubectl = '';
const NONE = `no kubectl, etcd or kube-apiserver on PATH, in $CRYFOLD_TOOLS or cached; ${HOW}`;
const CRDS = join(KUBE_CACHE, 'crds-1');
let crds = false;

before(async () => {
  folder = await temporaryFolder();
  kubectl = (await findTool('kubectl')) ?? '';
  cluster = await KubeCluster.start(join(folder.path, 'cluster'));
  if (!cluster) return;
  crds = (await readdir(CRDS).catch(() => [])).length > 0;
  if (crds) {
    // Create the CRDs instead of applying them, because they are too large for the annotation in which `kubectl apply`
    // would save them.
    await cluster.must(['create', '-f', CRDS]);
    await cluster.must(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
  }
  await cluster.must(['apply', '-f', join(ROOT, 'k8s', 'base', 'namespace.yaml')]);
  await cluster.must(['apply', '-f', join(ROOT, 'k8s', 'base', 'priority-classes.yaml')]);
});
after(async () => {
  await cluster?.stop();
  await folder.remove();
});

for (const overlay of OVERLAYS) {
  const path = join(ROOT, 'k8s', 'overlays', overlay);

  test(`a real API server accepts kubectl apply -k of ${overlay} without warnings`, async (t) => {
    if (!cluster) return t.skip(NONE);
    if (overlay === 'gpu-cluster' && !crds) return t.skip(`no CRDs of KEDA and the others; ${HOW}`);
    const { code, stdout, stderr } = await cluster.kubectl(['apply', '-k', path, '--dry-run=server']);
    assert.equal(code, 0, stderr);
    assert.equal(stderr.replace(/^.*missing the kubectl.kubernetes.io\/last-applied-configuration.*\n/gm, ''), '');
    const count = (await render(kubectl, overlay)).length;
    assert.equal(stdout.trim().split('\n').length, count, stdout);
  });

  test(`${overlay} passes kubeconform in strict mode`, async (t) => {
    const kubeconform = await findTool('kubeconform');
    const schemas = join(KUBE_CACHE, 'schemas-1');
    if (!kubeconform || !kubectl) return t.skip('no kubeconform or no kubectl on PATH, in $CRYFOLD_TOOLS or cached');
    if ((await readdir(schemas).catch(() => [])).length === 0) return t.skip(`no schemas; ${HOW}`);
    const check = (text: string) => {
      const location = `${schemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`;
      return say(kubeconform, ['-strict', '-summary', '-output', 'json', '-schema-location', location], text);
    };
    const text = await renderText(kubectl, path);
    const { code, stdout } = await check(text);
    const { summary } = JSON.parse(stdout);
    assert.equal(code, 0, stdout);
    assert.deepEqual(summary, { valid: (await render(kubectl, overlay)).length, invalid: 0, errors: 0, skipped: 0 });
    if (overlay !== OVERLAYS[0]) return;
    // Make sure that the check finds mistakes.
    const broken = await check(text.replace('readOnlyRootFilesystem', 'readOnlyRootFilesistem'));
    assert.equal(broken.code, 1, 'a misspelled field was accepted');
  });

  test(`restricted Pod Security admits every pod of ${overlay}, but no pod with more privileges`, async (t) => {
    if (!cluster) return t.skip(NONE);
    const { kubectl: run } = { kubectl: cluster.kubectl.bind(cluster) };
    const create = (spec: Manifest) => {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one', namespace: 'cryfold' }, spec };
      return run(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod));
    };
    const templates = podTemplates(await render(kubectl, overlay));
    assert.ok(templates.length >= 5);
    for (const { name, template } of templates) {
      const { code, stderr } = await create(template.spec);
      assert.equal(code, 0, `${name}: ${stderr}`);
    }
    const asks: Record<string, (spec: Manifest) => void> = {
      root: (spec) => {
        spec.securityContext.runAsUser = 0;
      },
      'may be root': (spec) => {
        spec.securityContext.runAsNonRoot = false;
      },
      privileged: (spec) => {
        spec.containers[0].securityContext = { privileged: true };
      },
      'host path': (spec) => {
        spec.volumes.push({ name: 'host', hostPath: { path: '/' } });
      },
      'host network': (spec) => {
        spec.hostNetwork = true;
      },
      capabilities: (spec) => {
        spec.containers[0].securityContext.capabilities = {};
      },
    };
    for (const [what, ask] of Object.entries(asks)) {
      const spec = structuredClone(templates[0].template.spec);
      ask(spec);
      const { code, stderr } = await create(spec);
      assert.equal(code, 1, `a pod with ${what} was admitted`);
      assert.match(stderr, /violates PodSecurity "restricted:latest"/, what);
    }
  });
}

test('a real API server accepts the Job that cryfold sweep --kubernetes prints, and admits its pod', async (t) => {
  if (!cluster) return t.skip(NONE);
  const spec = join(ROOT, 'specs', 'paper-search.yaml');
  const print = (...more: string[]) => cryfold(['sweep', spec, '--data', '/data', ...more, '--kubernetes']);
  const [first, again, other] = [await print(), await print(), await print('--limit', '300')];
  assert.equal(first.code, 0, first.stderr);
  assert.equal(first.stdout, again.stdout, 'the same sweep produces the same Job');
  const [map, job] = JSON.parse(first.stdout).items;
  assert.notEqual(job.metadata.name, JSON.parse(other.stdout).items[1].metadata.name);
  assert.equal(map.data['spec.yaml'], await readFile(spec, 'utf8'));
  const { code, stderr } = await cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], first.stdout);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '', 'there are no warnings, such as those of Pod Security');
  // The overlays create everything that the Job mounts and refers to.
  const manifests = await render(kubectl, 'dev');
  const { containers, volumes } = job.spec.template.spec;
  pick(manifests, 'ConfigMap', containers[0].envFrom[0].configMapRef.name);
  pick(
    manifests,
    'PersistentVolumeClaim',
    volumes.find(({ name }: Manifest) => name === 'data').persistentVolumeClaim.claimName,
  );
});

test('a real API server rejects a misspelled field, a bad quantity and a contradictory budget', async (t) => {
  if (!cluster) return t.skip(NONE);
  const text = await renderText(kubectl, join(ROOT, 'k8s', 'overlays', 'gpu-cluster'));
  const mistakes: [string, string][] = [
    ['terminationGracePeriodSeconds', 'terminationGraceSeconds'],
    ['cpu: 200m', 'cpu: 200mm'],
    ['minAvailable: 1', 'maxUnavailable: 1\n  minAvailable: 1'],
    ...(crds ? ([['minReplicaCount', 'minReplicas']] as [string, string][]) : []),
  ];
  for (const [right, wrong] of mistakes) {
    assert.ok(text.includes(right), right);
    const { code, stderr } = await cluster.kubectl(
      ['apply', '--dry-run=server', '--validate=strict', '-f', '-'],
      text.replace(right, wrong),
    );
    assert.equal(code, 1, `${wrong} was accepted`);
    assert.notEqual(stderr, '');
  }
});

test('with a scheduler, rollouts finish, the CronJob creates its Job, and disruption budgets protect the last replica', async (t) => {
  if (!cluster) return t.skip(NONE);
  if (!crds) return t.skip(`no CRDs of KEDA and the others; ${HOW}`);
  if (!process.env.CRYFOLD_TEST_ROLLOUT) return t.skip('takes two minutes: scripts/test-k8s runs it');
  const missing = await cluster.startControllers();
  if (missing) return t.skip(`no ${missing} on PATH or cached; scripts/test-k8s --build makes it`);
  const kube = cluster;
  const size = { cpu: '32', memory: '256Gi', pods: '110', 'nvidia.com/gpu': '2' };
  for (const name of ['node-1', 'node-2']) {
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { 'kubernetes.io/hostname': name, 'nvidia.com/gpu.present': 'true' } },
      spec: { taints: [{ key: 'nvidia.com/gpu', effect: 'NoSchedule', value: 'present' }] },
      status: { allocatable: size, capacity: size },
    };
    // One node has no taint, so it gets the pods that need no GPU.
    if (name === 'node-2') node.spec.taints = [];
    await kube.must(['create', '-f', '-'], JSON.stringify(node));
  }
  const volume = (name: string) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: { capacity: { storage: '50Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: `/tmp/${name}` } },
  });
  for (const name of ['one', 'two']) await kube.must(['create', '-f', '-'], JSON.stringify(volume(name)));
  await kube.must(['apply', '-k', join(ROOT, 'k8s', 'overlays', 'gpu-cluster')]);
  // Change the schedule from every night to every minute, so that the controller itself creates the Job and the Job's
  // pod runs.
  await kube.must(['-n', 'cryfold', 'patch', 'cronjob', 'retrain', '-p', '{"spec":{"schedule":"* * * * *"}}']);
  const deployments = ['coordinator', 'aggregator', 'worker-cpu', 'worker-gpu'];
  for (const name of deployments) {
    await kube.must(['-n', 'cryfold', 'rollout', 'status', `deployment/${name}`, '--timeout=60s']);
  }
  await kube.must(['-n', 'cryfold', 'rollout', 'status', 'statefulset/redis', '--timeout=60s']);

  // Also check that a change is rolled out, and that the deployment scales to zero and back, as the autoscaler would
  // do.
  await kube.must(['-n', 'cryfold', 'set', 'env', 'deployment', '--all', 'CRYFOLD_LOG_LEVEL=debug']);
  for (const name of deployments) {
    await kube.must(['-n', 'cryfold', 'rollout', 'status', `deployment/${name}`, '--timeout=60s']);
  }
  for (const replicas of [0, 2]) {
    await kube.must(['-n', 'cryfold', 'scale', 'deployment/worker-gpu', `--replicas=${replicas}`]);
    await until(`${replicas} replicas`, async () => {
      const { status } = (await kube.get('deployment', 'worker-gpu')) ?? {};
      return (status?.readyReplicas ?? 0) === replicas && (status?.replicas ?? 0) === replicas;
    });
  }

  await evictions(kube);
  const job = await until(
    'the CronJob to create its Job, and the Job its pod',
    async () => {
      // Wait between checks, since each of them starts kubectl.
      await sleep(1000);
      const jobs = JSON.parse(await kube.must(['-n', 'cryfold', 'get', 'jobs', '-o', 'json'])).items;
      return jobs.find(({ status }: Manifest) => status.ready === 1 || status.succeeded === 1);
    },
    90,
  );
  assert.equal(job.metadata.ownerReferences[0].kind, 'CronJob');
});

/**
 * Checks that a coordinator's only pod cannot be evicted, but that it can be evicted as soon as there is a second
 * replica.
 */
async function evictions(kube: KubeCluster): Promise<void> {
  const pods = async (): Promise<string[]> => {
    const args = ['get', 'pods', '-l', 'app.kubernetes.io/component=coordinator', '-o', 'name'];
    return (await kube.must(['-n', 'cryfold', ...args])).trim().split('\n').filter(Boolean);
  };
  const evict = (pod: string) => {
    const name = pod.replace('pod/', '');
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'cryfold' } };
    const path = `/api/v1/namespaces/cryfold/pods/${name}/eviction`;
    return kube.kubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction));
  };
  const allowed = async () => (await kube.get('pdb', 'coordinator'))?.status?.disruptionsAllowed;
  await until('the budget to allow an eviction', async () => (await allowed()) === 1);
  await kube.must(['-n', 'cryfold', 'scale', 'deployment/coordinator', '--replicas=1']);
  await until('the budget to allow no eviction', async () => (await allowed()) === 0);
  await until('one pod', async () => (await pods()).length === 1);
  const [last] = await pods();
  const refused = await evict(last);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /violate the pod's disruption budget/);
  await kube.must(['-n', 'cryfold', 'scale', 'deployment/coordinator', '--replicas=2']);
  await until('the budget to allow an eviction again', async () => (await allowed()) === 1);
  const granted = await evict(last);
  assert.equal(granted.code, 0, granted.stderr);
}
