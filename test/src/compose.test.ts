import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findTool } from '@cryfold/testing';
import { parse } from 'yaml';
import { ROOT, temporaryFolder } from './command.js';
import { type Manifest, say } from './kube.js';

const infra = (name: string) => join(ROOT, 'infra', name);
const compose: Manifest = parse(readFileSync(infra('compose.yaml'), 'utf8'), { merge: true });
const services: [string, Manifest][] = Object.entries(compose.services);
/** Resolves `${VARIABLE:-image}` like compose does when the variable is not set. */
const imageOf = ({ image }: Manifest): string => image.replace(/^\$\{[A-Z_]+:-(.+)\}$/, '$1');

test('in each profile, services refer only to secrets, volumes and services that exist', () => {
  assert.ok(services.length >= 9);
  for (const [name, service] of services) {
    assert.match(imageOf(service), /:[\w.-]+$/, name);
    assert.doesNotMatch(imageOf(service), /:latest$/, name);
    assert.equal(service.read_only, true, name);
    assert.deepEqual(service.cap_drop, ['ALL'], name);
    assert.match(service.user, /^\d+:\d+$/, name);
    for (const secret of service.secrets ?? []) assert.ok(compose.secrets[secret], `${name}: no secret ${secret}`);
    for (const other of Object.keys(service.depends_on ?? {})) {
      assert.ok(compose.services[other].healthcheck, `${name} waits for the health of ${other}`);
      for (const profile of service.profiles) assert.ok(compose.services[other].profiles.includes(profile), other);
    }
    for (const volume of service.volumes ?? []) {
      const [source] = volume.split(':');
      assert.ok(source.startsWith('./') || source in compose.volumes, `${name}: no volume ${source}`);
    }
    for (const [variable, value] of Object.entries<string>(service.environment ?? {})) {
      const secret = /^\/run\/secrets\/(.+)$/.exec(value)?.[1];
      if (secret) assert.ok(service.secrets.includes(secret), `${name}: ${variable}`);
      const [, host] = /^\w+:\/\/([\w-]+):\d+$/.exec(value) ?? [];
      if (host) assert.ok(host in compose.services, `${name}: ${variable}: no service ${host}`);
      assert.doesNotMatch(
        variable,
        /(PASSWORD|SECRET|ACCESS_KEY(_ID)?|TOKENS)$/,
        `${name} has a secret in the environment`,
      );
    }
    const grace = service.environment?.CRYFOLD_GRACE_SECONDS;
    if (grace) assert.ok(Number.parseInt(service.stop_grace_period, 10) >= Number(grace) + 20, name);
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, `${name} is open to the network`);
  }
  for (const profile of ['cpu', 'gpu']) {
    const queues = services
      .filter(([, { profiles }]) => profiles.includes(profile))
      .flatMap(([, { command }]) =>
        command?.includes?.('--queues') ? [command[command.indexOf('--queues') + 1]] : [],
      );
    assert.deepEqual(queues.sort(), ['cpu', 'gpu'], `queues with workers in the profile ${profile}`);
  }
});

test('compose and Kubernetes use the same images of Redis and MinIO', () => {
  for (const name of ['redis', 'minio']) {
    const manifest = readFileSync(join(ROOT, 'k8s', 'components', name, `${name}.yaml`), 'utf8');
    assert.ok(manifest.includes(`image: ${imageOf(compose.services[name])}\n`), name);
  }
});

test('pin-images prints the digest of every service image for compose and for kustomize', async () => {
  const folder = await temporaryFolder();
  try {
    const digest = `sha256:${'a'.repeat(64)}`;
    writeFileSync(join(folder.path, 'docker'), `#!/bin/sh\necho ${digest}\n`, { mode: 0o755 });
    const env = { ...process.env, PATH: `${folder.path}:${process.env.PATH}` };
    const pin = (...args: string[]) => execFileSync(infra('pin-images'), args, { encoding: 'utf8', env });
    const others = services.filter(([, service]) => !imageOf(service).startsWith('cryfold/'));
    assert.equal(
      pin(),
      others.map(([name, one]) => `${name.toUpperCase()}_IMAGE=${imageOf(one)}@${digest}\n`).join(''),
    );
    const entry = (name: string) => ({ name, digest });
    assert.deepEqual(parse(pin('--kustomize')), { images: [entry('redis'), entry('minio/minio')] });
  } finally {
    await folder.remove();
  }
});

test('release pushes the images and writes overlays that pin all of them by digest', async (t) => {
  const kubectl = await findTool('kubectl');
  if (!kubectl) return t.skip('no kubectl on PATH or cached; run scripts/test-k8s --setup');
  const folder = await temporaryFolder();
  try {
    const digest = `sha256:${'b'.repeat(64)}`;
    const calls = join(folder.path, 'calls');
    const docker = `#!/bin/sh\necho "$*" >>${calls}\n[ "$1" != buildx ] || echo ${digest}\n`;
    writeFileSync(join(folder.path, 'docker'), docker, { mode: 0o755 });
    const env = {
      ...process.env,
      PATH: `${folder.path}:${process.env.PATH}`,
      ...{ NODE_DIGEST: digest, DEBIAN_DIGEST: digest },
    };
    const released = join(folder.path, 'released');
    execFileSync(infra('release'), ['--prefix', 'registry.test:5000/', '--variant', 'cpu', released], { env });
    const pushed = readFileSync(calls, 'utf8').match(/^push .*$/gm);
    assert.deepEqual(pushed, [
      'push registry.test:5000/cryfold/control:0.1.0',
      'push registry.test:5000/cryfold/cpu-worker:0.1.0',
      'push registry.test:5000/cryfold/gpu-worker:0.1.0-cpu',
    ]);
    for (const overlay of ['dev', 'gpu-cluster']) {
      const { stdout, code } = await say(kubectl, ['kustomize', join(released, overlay)]);
      assert.equal(code, 0, stdout);
      const images = [...stdout.matchAll(/image: (\S*cryfold\S*)/g)].map(([, image]) => image);
      assert.ok(images.length >= 4, overlay);
      const pinned = new RegExp(`^registry\\.test:5000/cryfold/(control|cpu-worker|gpu-worker)@${digest}$`);
      for (const image of images) assert.match(image, pinned, overlay);
    }
  } finally {
    await folder.remove();
  }
});

test('configures Prometheus to scrape only existing services, and make-secrets to write all secrets', () => {
  const names = services.flatMap(([name, { networks }]) => [name, ...(networks?.default?.aliases ?? [])]);
  const { scrape_configs: jobs } = parse(readFileSync(infra('prometheus/prometheus.yml'), 'utf8'));
  const targets: string[] = jobs.flatMap((job: Manifest) =>
    (job.dns_sd_configs ?? []).flatMap((one: Manifest) => one.names),
  );
  assert.ok(targets.length > 0);
  for (const target of targets) assert.ok(names.includes(target), `no service ${target}`);
  const script = readFileSync(infra('make-secrets'), 'utf8');
  for (const [name, { file }] of Object.entries<Manifest>(compose.secrets)) {
    assert.equal(file, `secrets/${name}`);
    assert.match(script, new RegExp(`\\b${name}\\b`));
  }
  const ignored = execFileSync('git', ['check-ignore', 'infra/secrets/redis-password'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  assert.match(ignored, /redis-password/, 'secrets could be committed');
});

test('hadolint accepts the Dockerfile, and rejects a bad one', async (t) => {
  const hadolint = await findTool('hadolint');
  if (!hadolint) return t.skip('no hadolint on PATH or cached; run scripts/test-k8s --setup');
  const lint = (text: string) => say(hadolint, ['-c', infra('hadolint.yaml'), '-'], text);
  const text = readFileSync(infra('Dockerfile'), 'utf8');
  const said = await lint(text);
  assert.equal(said.code, 0, said.stdout);
  const bad = await lint(`${text}\nFROM node:latest\nRUN sudo true\n`);
  assert.notEqual(bad.code, 0);
  // Our own rules, which the linter does not check: base images are pinned by digest, no final image runs as root, and
  // package installation runs no scripts.
  for (const [, base] of text.matchAll(/^FROM (\S+)/gm)) {
    assert.ok(/@\$\{(NODE|DEBIAN)_DIGEST\}$/.test(base) || text.includes(` AS ${base}\n`), base);
  }
  assert.equal(text.match(/^USER .*$/gm)?.at(-1), 'USER 10001:10001');
  for (const [line] of text.matchAll(/^RUN npm (ci|prune|install).*$/gm)) assert.match(line, /--ignore-scripts/);
});
