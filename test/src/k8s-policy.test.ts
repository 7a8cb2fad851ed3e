import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { findTool } from '@cryfold/testing';
import { EXIT } from 'cryfold/command-line';
import { parse, parseAllDocuments } from 'yaml';
import { ROOT, temporaryFolder } from './command.js';
import { HOW, type Manifest, OVERLAYS, pick, podTemplates, render, say } from './kube.js';
import { endOf } from './pods.js';

let kubectl: string | undefined;
before(async () => {
  kubectl = await findTool('kubectl');
});

const MEBI = 2 ** 20;
function bytes(quantity: string): number {
  const [, number, unit] = /^(\d+)(Mi|Gi|mb)?$/.exec(quantity) ?? [];
  assert.ok(number, quantity);
  return Number(number) * (unit === 'Gi' ? 1024 * MEBI : unit ? MEBI : 1);
}

const value = (container: Manifest, name: string): string | undefined =>
  container.env?.find((one: Manifest) => one.name === name)?.value;

for (const overlay of OVERLAYS) {
  const each = (what: string, check: (manifests: Manifest[]) => void | Promise<void>) =>
    test(`${overlay}: ${what}`, async (t) => {
      if (!kubectl) return t.skip(`no kubectl on PATH or cached; ${HOW}`);
      await check(await render(kubectl, overlay));
    });

  each('no container runs as root, writes to its image, has capabilities or a token, or lacks limits', (manifests) => {
    const templates = podTemplates(manifests);
    assert.ok(templates.length >= 5);
    for (const { name, template } of templates) {
      const { spec } = template;
      assert.equal(spec.securityContext.runAsNonRoot, true, name);
      assert.ok(spec.securityContext.runAsUser > 0, name);
      assert.equal(spec.securityContext.seccompProfile.type, 'RuntimeDefault', name);
      assert.equal(spec.automountServiceAccountToken, false, name);
      assert.equal(spec.serviceAccountName, 'cryfold', name);
      assert.ok(
        manifests.some(({ kind, metadata }) => kind === 'PriorityClass' && metadata.name === spec.priorityClassName),
      );
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
        const { readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } = container.securityContext;
        const said = { readOnlyRootFilesystem, allowPrivilegeEscalation, drop: capabilities.drop };
        assert.deepEqual(said, { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, drop: ['ALL'] }, name);
        for (const resource of ['cpu', 'memory']) {
          assert.ok(container.resources.requests[resource], `${name} has no request for ${resource}`);
          assert.ok(container.resources.limits[resource], `${name} has no limit for ${resource}`);
        }
        assert.match(container.image, /:[\w.-]+$/, `${name} has an image without a tag`);
        assert.doesNotMatch(container.image, /:latest$/, name);
      }
    }
    const roles = ['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding'];
    assert.deepEqual(
      manifests.filter(({ kind }) => roles.includes(kind)),
      [],
      'the service account has rights',
    );
  });

  each('every Secret, ConfigMap and key that a pod refers to exists', async (manifests) => {
    const keys = new Map<string, Set<string>>();
    for (const { kind, metadata, data } of manifests) {
      if (kind === 'ConfigMap') keys.set(`ConfigMap ${metadata.name}`, new Set(Object.keys(data)));
    }
    const made = await say(join(ROOT, 'scripts', 'k8s-secrets'), []);
    for (const document of parseAllDocuments(made.stdout)) {
      const { metadata, stringData } = document.toJS();
      keys.set(`Secret ${metadata.name}`, new Set(Object.keys(stringData)));
    }
    // The ExternalSecret in the example must create a Secret with the same keys as the Secret of the same name.
    for (const { kind, spec } of manifests) {
      if (kind !== 'ExternalSecret') continue;
      const external = spec.data.map((one: Manifest) => one.secretKey);
      assert.deepEqual(new Set(external), keys.get(`Secret ${spec.target.name}`), spec.target.name);
    }
    let looked = 0;
    const refer = (by: string, kind: string, name: string, key?: string) => {
      looked++;
      const has = keys.get(`${kind} ${name}`);
      assert.ok(has, `${by} refers to ${kind} ${name}, which does not exist`);
      if (key) assert.ok(has.has(key), `${by} refers to the key ${key}, which ${kind} ${name} does not have`);
    };
    for (const { name: by, template } of podTemplates(manifests)) {
      const { volumes = [], containers } = template.spec;
      const paths = new Set<string>();
      const mounted = containers.flatMap((one: Manifest) => one.volumeMounts ?? []);
      for (const { name, secret, configMap } of volumes) {
        const mount = mounted.find((one: Manifest) => one.name === name);
        assert.ok(mount, `${by} has the volume ${name}, which no container mounts`);
        if (configMap) {
          refer(by, 'ConfigMap', configMap.name);
          for (const key of keys.get(`ConfigMap ${configMap.name}`) ?? []) paths.add(`${mount.mountPath}/${key}`);
        }
        for (const { key, path } of secret?.items ?? []) {
          refer(by, 'Secret', secret.secretName, key);
          paths.add(`${mount.mountPath}/${path}`);
        }
      }
      for (const container of containers) {
        const env: [string, string][] = (container.env ?? []).map((one: Manifest) => [one.name, one.value]);
        for (const { configMapRef } of container.envFrom ?? []) {
          refer(by, 'ConfigMap', configMapRef.name);
          const { data } = manifests.find((one) => one.kind === 'ConfigMap' && one.metadata.name === configMapRef.name);
          env.push(...(Object.entries(data) as [string, string][]));
        }
        for (const [name, text] of env) {
          if (name.endsWith('_FILE')) assert.ok(paths.has(text), `${by}: ${name}: nothing is mounted at ${text}`);
          assert.doesNotMatch(
            name,
            /(PASSWORD|SECRET|TOKENS?|ACCESS_KEY(_ID)?)$/,
            `${by} has a secret in the environment`,
          );
        }
      }
    }
    assert.ok(looked > 10);
  });

  each('each worker has enough time to drain, and enough memory for its children', (manifests) => {
    const workers = podTemplates(manifests).filter(({ name }) => name.startsWith('worker-'));
    assert.ok(workers.length >= 2);
    for (const { name: component, template } of workers) {
      const [container] = template.spec.containers;
      const grace = Number(value(container, 'CRYFOLD_GRACE_SECONDS'));
      // packages/runtime allows 15 s for a clean exit after the grace period.
      assert.ok(grace > 0 && template.spec.terminationGracePeriodSeconds >= grace + 15 + 5, component);
      const children = Number(container.args[container.args.indexOf('--children') + 1]);
      const child = Number(value(container, 'CRYFOLD_CHILD_MEMORY_MB'));
      // A program needs its own memory, in addition to that of the child that started it.
      const processes = container.args.includes('--allow-commands') ? 2 * children : children;
      const limit = bytes(container.resources.limits.memory);
      assert.ok(children > 0 && limit >= (processes * child + 256) * MEBI, `${component}: ${limit / MEBI} MiB`);
    }
    const [redis] = podTemplates(manifests).find(({ name }) => name === 'redis')?.template.spec.containers ?? [];
    const { data } = manifests.find((one) => one.kind === 'ConfigMap' && one.metadata.name.startsWith('redis-config'));
    const [, most] = /^maxmemory (\w+)$/m.exec(data['redis.conf']) ?? [];
    // Rewriting the append-only file may temporarily double the memory usage.
    assert.ok(bytes(redis.resources.limits.memory) >= 2 * bytes(most), 'Redis may exceed its limit');
    assert.match(data['redis.conf'], /^appendonly yes$/m);
    assert.match(data['redis.conf'], /^maxmemory-policy noeviction$/m);
  });

  each('selectors, services, budgets, scalers and monitors match the intended pods', (manifests) => {
    const labels = podTemplates(manifests).map(({ name, template }) => ({ name, labels: template.metadata.labels }));
    const found = (selector: Record<string, string>) =>
      labels
        .filter((one) => Object.entries(selector).every(([key, text]) => one.labels[key] === text))
        .map(({ name }) => name);
    for (const { kind, metadata, spec } of manifests) {
      const { name } = metadata;
      if (kind === 'Service') assert.deepEqual(found(spec.selector), [name], `Service ${name}`);
      if (kind === 'PodDisruptionBudget') assert.deepEqual(found(spec.selector.matchLabels), [name], `budget ${name}`);
      if (kind === 'PodMonitor') assert.equal(found(spec.selector.matchLabels).length, 4, 'all of cryfold’s services');
      if (kind === 'ScaledObject') {
        const target = manifests.find(
          (one) => one.kind === 'Deployment' && one.metadata.name === spec.scaleTargetRef.name,
        );
        assert.ok(target, name);
        assert.equal(target.spec.replicas, undefined, `applying ${name} again would reset its replicas`);
        const [container] = target.spec.template.spec.containers;
        const children = container.args[container.args.indexOf('--children') + 1];
        assert.equal(spec.triggers[0].metadata.threshold, children, 'the threshold is one job per child');
      }
    }
  });

  each('network policies allow only the necessary connections', (manifests) => {
    const seen = new Set<string>();
    const pods = podTemplates(manifests).map(({ name, template }) => ({ name, template, namespace: 'cryfold' }));
    const foreign = (name: string, namespace: string, labels: Record<string, string>) => ({
      name,
      namespace,
      template: { metadata: { labels }, spec: { containers: [] } },
    });
    const all = [
      ...pods,
      foreign('dns', 'kube-system', { 'k8s-app': 'kube-dns' }),
      foreign('prometheus', 'monitoring', { 'app.kubernetes.io/name': 'prometheus' }),
      foreign('other', 'default', {}),
      foreign('stranger', 'cryfold', {}),
      foreign('proxy', 'cryfold', { 'cryfold.io/uses-api': 'true' }),
    ];
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
    for (const from of all) {
      for (const to of all) {
        for (const port of [53, 6379, 9000, 8080, 9464, 22]) {
          const out = allows(policies, 'egress', from, to, port);
          const into = allows(policies, 'ingress', to, from, port);
          if (from !== to && out && into && (from.namespace === 'cryfold' || to.namespace === 'cryfold')) {
            seen.add(`${from.name} > ${to.name}:${port}`);
          }
        }
      }
    }
    const inside = pods.map(({ name }) => name);
    const clients = [
      'coordinator',
      'aggregator',
      'worker-cpu',
      'worker-gpu',
      ...inside.filter((name) => ['retrain', 'worker-commands'].includes(name)),
    ];
    const needed = [
      ...[...inside, 'stranger', 'proxy'].map((name) => `${name} > dns:53`),
      ...clients.map((name) => `${name} > redis:6379`),
      ...(inside.includes('minio') ? clients.map((name) => `${name} > minio:9000`) : []),
      ...clients.filter((name) => name !== 'retrain').map((name) => `prometheus > ${name}:9464`),
      'proxy > coordinator:8080',
    ];
    assert.deepEqual([...seen].sort(), needed.sort());
    const outward = policies.flatMap(({ spec }) => (spec.egress ?? []).flatMap(({ to }: Manifest) => to ?? []));
    const blocks = outward.filter(({ ipBlock }: Manifest) => ipBlock);
    assert.equal(blocks.length, inside.includes('minio') ? 0 : 1, 'number of rules for connections out of the cluster');
  });
}

test('only the `commands` component adds a worker that runs programs from specs, in the overlay’s image', async (t) => {
  if (!kubectl) return t.skip(`no kubectl on PATH or cached; ${HOW}`);
  for (const overlay of OVERLAYS) {
    const templates = podTemplates(await render(kubectl, overlay));
    const allowing = templates.filter(({ template }) => JSON.stringify(template).includes('--allow-commands'));
    assert.deepEqual(
      allowing.map(({ name }) => name),
      overlay === 'dev-commands' ? ['worker-commands'] : [],
      overlay,
    );
  }
  const templates = podTemplates(await render(kubectl, 'dev-commands'));
  const [commands, plain] = ['worker-commands', 'worker-cpu'].map(
    (wanted) => templates.find(({ name }) => name === wanted)?.template ?? assert.fail(wanted),
  );
  const [container] = commands.spec.containers;
  assert.equal(container.image, 'registry.example.com/cryfold/commands-worker:0.1.0');
  // The component contains a complete definition of its worker, so check that everything that it shares with the base
  // workers is still the same.
  const shared = ({ spec, metadata }: Manifest) => {
    const { containers, volumes, topologySpreadConstraints: _, ...pod } = structuredClone(spec);
    const [{ image: __, args: ___, env: ____, resources: _____, ...rest }] = containers;
    const { 'app.kubernetes.io/component': ______, ...labels } = metadata.labels;
    return { pod, container: rest, labels, volumes: volumes.filter(({ name }: Manifest) => name !== 'tmp') };
  };
  assert.deepEqual(shared(commands), shared(plain));
});

/** Returns the total number of cores that the pods of an overlay request. */
function cores(manifests: Manifest[]): number {
  return manifests
    .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
    .reduce((sum, { spec }) => {
      const requests: string[] = spec.template.spec.containers.map((one: Manifest) => one.resources.requests.cpu);
      const own = requests.reduce(
        (all, cpu) => all + (cpu.endsWith('m') ? Number(cpu.slice(0, -1)) / 1000 : Number(cpu)),
        0,
      );
      return sum + own * (spec.replicas ?? 1);
    }, 0);
}

for (const overlay of OVERLAYS.filter((name) => name.startsWith('dev'))) {
  test(`all pods of ${overlay} fit on a node with two cores, along with the node’s own services`, async (t) => {
    if (!kubectl) return t.skip(`no kubectl on PATH or cached; ${HOW}`);
    const asked = cores(await render(kubectl, overlay));
    assert.ok(asked > 0.5 && asked <= 1.5, `${asked} cores`);
  });
}

test('the PrometheusRule contains the alerts of infra/prometheus', async (t) => {
  if (!kubectl) return t.skip(`no kubectl on PATH or cached; ${HOW}`);
  const rule = pick(await render(kubectl, 'gpu-cluster'), 'PrometheusRule', 'cryfold');
  const alerts = parse(await readFile(join(ROOT, 'infra', 'prometheus', 'alerts.yml'), 'utf8'));
  assert.deepEqual(rule.spec, alerts, 'run scripts/k8s-monitoring');
});

test('each dashboard is in a ConfigMap that Grafana’s sidecar loads', async (t) => {
  if (!kubectl) return t.skip(`no kubectl on PATH or cached; ${HOW}`);
  const dashboards = join(ROOT, 'infra', 'grafana', 'dashboards');
  const maps = (await render(kubectl, 'gpu-cluster')).filter(
    ({ metadata }) => metadata.labels?.grafana_dashboard === '1',
  );
  const files = maps.flatMap(({ data }) => Object.entries<string>(data));
  assert.deepEqual(files.map(([name]) => name).sort(), (await readdir(dashboards)).sort());
  for (const [name, text] of files) {
    assert.deepEqual(JSON.parse(text), JSON.parse(await readFile(join(dashboards, name), 'utf8')));
    // `kubectl apply` saves the whole ConfigMap in an annotation, which is limited to 256 KiB.
    assert.ok(text.length < 200_000, `${name}: ${text.length}`);
  }
});

test('Kubernetes does not repeat a nightly Job with a wrong command, spec or data', async (t) => {
  if (!kubectl) return t.skip(`no kubectl on PATH or cached; ${HOW}`);
  const job = (await render(kubectl, 'gpu-cluster')).find(
    ({ kind, metadata }) => kind === 'CronJob' && metadata.name === 'retrain',
  );
  const { rules } = job?.spec.jobTemplate.spec.podFailurePolicy ?? assert.fail('no podFailurePolicy');
  const given = rules
    .filter(({ action }: Manifest) => action === 'FailJob')
    .flatMap(({ onExitCodes }: Manifest) => onExitCodes.values);
  assert.deepEqual(given, [EXIT.usage, EXIT.input]);
});

test('the nightly Job succeeds or fails with its commands, and forwards stop signals', async (t) => {
  if (!kubectl) return t.skip(`no kubectl on PATH or cached; ${HOW}`);
  const job = podTemplates(await render(kubectl, 'gpu-cluster')).find(({ name }) => name === 'retrain');
  const [{ command, args }] = job?.template.spec.containers ?? [];
  const { path, remove } = await temporaryFolder();
  try {
    const stub = join(path, 'cryfold');
    const env = { ...process.env, PATH: `${path}:${process.env.PATH}` };
    const fine: number[] = [EXIT.done, EXIT.unchanged, EXIT.refused, EXIT.lost];
    for (const code of Object.values(EXIT)) {
      await writeFile(stub, `#!/bin/sh\nexit ${code}\n`, { mode: 0o755 });
      const said = await say(command[0], [...command.slice(1), ...args], '', env);
      assert.equal(said.code, fine.includes(code) ? 0 : code, `cryfold retrain exited with ${code}`);
    }
    // Like cryfold, the stub takes a moment to stop, and exits with the code for a cancelled run.
    await writeFile(stub, '#!/bin/sh\ntrap "sleep 0.2; exit 4" TERM\necho ready\nwhile :; do sleep 0.1; done\n');
    const child = spawn(command[0], [...command.slice(1), ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child.stdout, 'data').then(() => endOf(child, 'SIGTERM'));
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    assert.equal(await ended, EXIT.cancelled);
    clearTimeout(late);
  } finally {
    await remove();
  }
});

interface Pod {
  name: string;
  namespace: string;
  template: Manifest;
}

const matches = (selector: Manifest, labels: Record<string, string>): boolean =>
  Object.entries(selector?.matchLabels ?? {}).every(([key, text]) => labels[key] === text);

/** Returns whether NetworkPolicies allow `pod` to send to (egress) or receive from (ingress) a peer. */
function allows(policies: Manifest[], way: 'ingress' | 'egress', pod: Pod, peer: Pod, port: number): boolean {
  if (pod.namespace !== 'cryfold') return true;
  const type = way === 'ingress' ? 'Ingress' : 'Egress';
  const own = policies.filter(
    ({ spec }) => spec.policyTypes.includes(type) && matches(spec.podSelector, pod.template.metadata.labels),
  );
  if (own.length === 0) return true;
  const receiver = way === 'ingress' ? pod : peer;
  const named = receiver.template.spec.containers.flatMap((one: Manifest) => one.ports ?? []);
  return own.some(({ spec }) =>
    (spec[way] ?? []).some((rule: Manifest) => {
      const peers = rule[way === 'ingress' ? 'from' : 'to'];
      const ports = (rule.ports ?? []).map((one: Manifest) =>
        typeof one.port === 'number' ? one.port : named.find(({ name }: Manifest) => name === one.port)?.containerPort,
      );
      const open = ports.length === 0 || ports.includes(port);
      return open && (!peers || peers.some((one: Manifest) => means(one, peer)));
    }),
  );
}

function means({ namespaceSelector, podSelector, ipBlock }: Manifest, peer: Pod): boolean {
  // An IP block never matches a pod, because pods have private addresses, which these blocks exclude.
  if (ipBlock) return false;
  const namespace = namespaceSelector
    ? matches(namespaceSelector, { 'kubernetes.io/metadata.name': peer.namespace })
    : peer.namespace === 'cryfold';
  return namespace && matches(podSelector, peer.template.metadata.labels);
}
