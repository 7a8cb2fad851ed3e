import { sha256, VERSION } from '@cryfold/core';
import type { Option } from 'commander';
import { EXIT } from './exit-codes.js';
import { readSpecText } from './prepare.js';
import { jsonText, say, warn } from './terminal.js';

/** Path of the spec in the Job's pod. */
const SPEC = '/etc/cryfold/spec.yaml';

/** The flags as given, without those that only apply to this machine. */
function flags(options: readonly Option[], values: Record<string, unknown>): string[] {
  return options.flatMap((option) => {
    const value = values[option.attributeName()];
    const flag = option.long;
    if (!flag || value === undefined || value === option.defaultValue) return [];
    if (['--out', '--force', '--confirm-above', '--yes', '--workers', '--json', '--ui'].includes(flag)) return [];
    if (value === true) return [flag];
    return [flag, Array.isArray(value) ? value.join(',') : String(value)];
  });
}

/**
 * `cryfold sweep --kubernetes`: prints a ConfigMap with the spec and a Job that launches the sweep in the cluster that
 * k8s/ describes, as a JSON List for `kubectl apply -f -`. The same spec and flags produce the same names, so that
 * applying the list again changes nothing. `--data` is a path in the volume `cryfold-data`, which is mounted at /data.
 */
export async function printSweepJob(
  spec: string,
  image: string | undefined,
  options: readonly Option[],
  values: Record<string, unknown>,
): Promise<number> {
  const text = await readSpecText(spec);
  const args = ['sweep', SPEC, ...flags(options, values)];
  const name = `sweep-${sha256(new TextEncoder().encode(JSON.stringify([text, args]))).slice(0, 12)}`;
  const labels = { 'app.kubernetes.io/name': 'cryfold-job', 'app.kubernetes.io/component': 'sweep' };
  const metadata = { name, namespace: 'cryfold', labels };
  const volumes = [
    { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
    { name: 'cache', emptyDir: { sizeLimit: '1Gi' } },
    { name: 'spec', configMap: { name } },
    { name: 'data', persistentVolumeClaim: { claimName: 'cryfold-data', readOnly: true } },
    { name: 'redis-secret', secret: { secretName: 'cryfold-redis' } },
    { name: 's3-secret', secret: { secretName: 'cryfold-s3' } },
  ];
  const mounts = {
    tmp: '/tmp',
    cache: '/var/cache/cryfold',
    spec: '/etc/cryfold',
    data: '/data',
    'redis-secret': '/run/secrets/redis',
    's3-secret': '/run/secrets/s3',
  };
  const container = {
    name: 'cryfold',
    image: image ?? `cryfold/control:${VERSION}`,
    command: ['cryfold'],
    args,
    envFrom: [{ configMapRef: { name: 'cryfold-config' } }],
    resources: { requests: { cpu: '500m', memory: '512Mi' }, limits: { cpu: '2', memory: '2Gi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: Object.entries(mounts).map(([volume, mountPath]) => ({ name: volume, mountPath })),
  };
  const pod = {
    restartPolicy: 'Never',
    serviceAccountName: 'cryfold',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    priorityClassName: 'cryfold-control',
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10001,
      runAsGroup: 10001,
      fsGroup: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [container],
    volumes,
  };
  const rules = [
    // The replacement of an evicted pod continues the sweep, because decisions and folds are in the store.
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    {
      action: 'FailJob',
      onExitCodes: { containerName: 'cryfold', operator: 'In', values: [EXIT.usage, EXIT.cancelled, EXIT.input] },
    },
  ];
  const uses = { 'cryfold.io/uses-redis': 'true', 'cryfold.io/uses-store': 'true' };
  const job = {
    backoffLimit: 3,
    ttlSecondsAfterFinished: 604_800,
    podFailurePolicy: { rules },
    template: { metadata: { labels: { ...labels, ...uses } }, spec: pod },
  };
  const items = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'spec.yaml': text } },
    { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: job },
  ];
  say(`${jsonText({ apiVersion: 'v1', kind: 'List', items }, 2)}\n`);
  warn(`${name}: pipe this into kubectl apply -f -; then cryfold list shows the run\n`);
  return EXIT.done;
}
