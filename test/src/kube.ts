import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTool, freePort } from '@cryfold/testing';
import { parseAllDocuments } from 'yaml';
import { ROOT, until } from './command.js';

// biome-ignore lint/suspicious/noExplicitAny: any manifest
export type Manifest = any;

export const OVERLAYS = ['dev', 'dev-commands', 'gpu-cluster'] as const;
export type Overlay = (typeof OVERLAYS)[number];

/** The folder for the CRDs and schemas that `scripts/test-k8s --setup` downloads. */
export const KUBE_CACHE = join(
  process.env.CRYFOLD_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cryfold'),
  'kube',
);

export const HOW = 'run scripts/test-k8s --setup';

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program, and returns its exit code and output. */
export function say(program: string, args: string[], input = '', env = process.env): Promise<Said> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
      resolve({ code, stdout, stderr });
    });
    // A program that exits without reading its input closes the pipe.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

const rendered = new Map<string, Promise<string>>();

/** Returns the YAML of an overlay, or of any folder with a kustomization, as `kubectl apply -k` would send it. */
export function renderText(kubectl: string, folder: string): Promise<string> {
  let text = rendered.get(folder);
  if (!text) {
    text = say(kubectl, ['kustomize', folder]).then(({ code, stdout, stderr }) => {
      // Kustomize also prints warnings to stderr, for example about deprecated fields.
      if (code !== 0 || stderr !== '') throw new Error(`kubectl kustomize ${folder}: ${stderr}`);
      return stdout;
    });
    rendered.set(folder, text);
  }
  return text;
}

export async function render(kubectl: string, overlay: Overlay): Promise<Manifest[]> {
  const text = await renderText(kubectl, join(ROOT, 'k8s', 'overlays', overlay));
  return parseAllDocuments(text, { merge: true }).map((document) => document.toJS());
}

/** Returns the name and pod template of every workload, including the volumes that a StatefulSet claims. */
export function podTemplates(manifests: Manifest[]): { name: string; kind: string; template: Manifest }[] {
  return manifests.flatMap(({ kind, metadata: { name }, spec }) => {
    if (kind === 'CronJob') return [{ name, kind, template: spec.jobTemplate.spec.template }];
    if (kind === 'StatefulSet') {
      const template = structuredClone(spec.template);
      for (const { metadata } of spec.volumeClaimTemplates ?? []) {
        const volume = { name: metadata.name, persistentVolumeClaim: { claimName: `${metadata.name}-${name}-0` } };
        template.spec.volumes.push(volume);
      }
      return [{ name, kind, template }];
    }
    return kind === 'Deployment' || kind === 'Job' ? [{ name, kind, template: spec.template }] : [];
  });
}

/** Returns the manifest of this kind and name. @throws Error with its kind and name if it is missing */
export function pick(manifests: Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found;
}

/** A real etcd and kube-apiserver on this machine; with startControllers(), also controllers, scheduler and kwok. */
export class KubeCluster {
  readonly #folder: string;
  readonly #kubectl: string;
  readonly #processes: ChildProcess[] = [];

  private constructor(folder: string, kubectl: string) {
    this.#folder = folder;
    this.#kubectl = kubectl;
  }

  /** @returns undefined if kubectl, etcd or kube-apiserver is not installed */
  static async start(folder: string): Promise<KubeCluster | undefined> {
    const tools = await Promise.all(['kubectl', 'etcd', 'kube-apiserver'].map((name) => findTool(name)));
    const [kubectl, etcd, apiserver] = tools;
    if (!kubectl || !etcd || !apiserver) return undefined;
    const cluster = new KubeCluster(folder, kubectl);
    await mkdir(folder, { recursive: true });
    const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
    const http = (at: number) => `http://127.0.0.1:${at}`;
    cluster.#spawn('etcd', etcd, [
      ...['--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync'],
      ...['--listen-client-urls', http(client), '--advertise-client-urls', http(client)],
      ...['--listen-peer-urls', http(peer), '--initial-advertise-peer-urls', http(peer)],
      ...['--initial-cluster', `default=${http(peer)}`],
    ]);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
    const token = randomBytes(16).toString('hex');
    await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`);
    cluster.#spawn('kube-apiserver', apiserver, [
      ...['--etcd-servers', http(client), '--cert-dir', join(folder, 'certs')],
      ...['--secure-port', String(port), '--bind-address', '127.0.0.1'],
      ...['--service-account-issuer', 'https://localhost', '--service-cluster-ip-range', '10.0.0.0/24'],
      ...['--service-account-key-file', join(folder, 'sa.key')],
      ...['--service-account-signing-key-file', join(folder, 'sa.key')],
      ...['--token-auth-file', join(folder, 'tokens.csv'), '--authorization-mode', 'RBAC'],
      // Without this flag, the API server would reject privileged pods before Pod Security checks them.
      '--allow-privileged=true',
      // While only the API server runs, no controller creates the default service accounts.
      ...['--disable-admission-plugins', 'ServiceAccount', '--endpoint-reconciler-type', 'none'],
    ]);
    const server = `https://127.0.0.1:${port}`;
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'admin', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
      'current-context': 'test',
    };
    await writeFile(cluster.kubeconfig, JSON.stringify(kubeconfig));
    await until('kube-apiserver', async () => (await cluster.kubectl(['get', '--raw', '/readyz'])).stdout === 'ok', 60);
    return cluster;
  }

  get kubeconfig(): string {
    return join(this.#folder, 'kubeconfig');
  }

  #spawn(name: string, program: string, args: string[]): void {
    const log = openSync(join(this.#folder, `${name}.log`), 'a');
    this.#processes.push(spawn(program, args, { stdio: ['ignore', log, log] }));
    closeSync(log);
  }

  kubectl(args: string[], input = ''): Promise<Said> {
    return say(this.#kubectl, ['--kubeconfig', this.kubeconfig, ...args], input);
  }

  /** Like kubectl, but throws an error with the output on failure. */
  async must(args: string[], input = ''): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /**
   * Returns an object, or undefined if it does not exist. Starts with a delay, which slows down callers that poll with
   * kubectl.
   */
  async get(kind: string, name: string): Promise<Manifest | undefined> {
    await sleep(400);
    const { code, stdout } = await this.kubectl(['-n', 'cryfold', 'get', kind, name, '-o', 'json']);
    return code === 0 ? JSON.parse(stdout) : undefined;
  }

  /**
   * Starts the real controllers and scheduler, and kwok, which simulates the kubelets of nodes that tests create.
   * @returns the name of the first program that is not installed, if any
   */
  async startControllers(): Promise<string | undefined> {
    const names = ['kube-controller-manager', 'kube-scheduler', 'kwok'] as const;
    const programs = await Promise.all(names.map((name) => findTool(name)));
    const missing = names.find((_, i) => !programs[i]);
    if (missing) return missing;
    const [controllers, scheduler, kwok] = programs as string[];
    const config = ['--kubeconfig', this.kubeconfig];
    const alone = ['--leader-elect=false', '--secure-port=0'];
    const key = ['--service-account-private-key-file', join(this.#folder, 'sa.key')];
    this.#spawn('controllers', controllers, [...config, ...alone, ...key]);
    this.#spawn('scheduler', scheduler, [...config, ...alone]);
    const stages = join(this.#folder, 'stages.yaml');
    await writeFile(stages, STAGES);
    this.#spawn('kwok', kwok, [
      ...config,
      '--manage-all-nodes=true',
      '--config',
      stages,
      '--node-lease-duration-seconds=40',
    ]);
    return undefined;
  }

  log(name: string): Promise<string> {
    return readFile(join(this.#folder, `${name}.log`), 'utf8');
  }

  async stop(): Promise<void> {
    for (const child of this.#processes.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
  }
}

/** Defines what kwok simulates: nodes and pods are ready at once, pods of Jobs complete, and deleted pods disappear. */
const STAGES = [
  {
    kind: 'Stage',
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    metadata: { name: 'node-ready' },
    spec: {
      resourceRef: { apiGroup: 'v1', kind: 'Node' },
      selector: {
        matchExpressions: [
          { key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: 'NotIn', values: ['True'] },
        ],
      },
      next: {
        statusTemplate: `
conditions:
- { type: Ready, status: "True", reason: KubeletReady, message: kwok, lastHeartbeatTime: {{ Now | Quote }}, lastTransitionTime: {{ Now | Quote }} }
`,
      },
    },
  },
  {
    kind: 'Stage',
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    metadata: { name: 'pod-ready' },
    spec: {
      resourceRef: { apiGroup: 'v1', kind: 'Pod' },
      selector: {
        matchExpressions: [
          { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' },
          { key: '.status.podIP', operator: 'DoesNotExist' },
        ],
      },
      next: {
        statusTemplate: `
{{ $now := Now }}
conditions:
- { type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }} }
- { type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }} }
- { type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }} }
containerStatuses:
{{ range .spec.containers }}
- { image: {{ .image | Quote }}, name: {{ .name | Quote }}, ready: true, restartCount: 0, state: { running: { startedAt: {{ $now | Quote }} } } }
{{ end }}
hostIP: 10.1.0.1
podIP: 10.1.0.2
phase: Running
startTime: {{ $now | Quote }}
`,
      },
    },
  },
  {
    kind: 'Stage',
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    metadata: { name: 'pod-complete' },
    spec: {
      resourceRef: { apiGroup: 'v1', kind: 'Pod' },
      selector: {
        matchExpressions: [
          { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' },
          { key: '.status.phase', operator: 'In', values: ['Running'] },
          { key: '.metadata.ownerReferences.[].kind', operator: 'In', values: ['Job'] },
        ],
      },
      next: {
        statusTemplate: `
{{ $now := Now }}
containerStatuses:
{{ range .spec.containers }}
- { image: {{ .image | Quote }}, name: {{ .name | Quote }}, ready: false, restartCount: 0, state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } } }
{{ end }}
phase: Succeeded
`,
      },
    },
  },
  {
    kind: 'Stage',
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    metadata: { name: 'pod-delete' },
    spec: {
      resourceRef: { apiGroup: 'v1', kind: 'Pod' },
      selector: { matchExpressions: [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }] },
      next: { finalizers: { empty: true }, delete: true },
    },
  },
]
  .map((stage) => `---\n${JSON.stringify(stage)}\n`)
  .join('');
