import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CryfoldError } from '@cryfold/core';
import { synthesizeCorpus } from '@cryfold/corpus';
import { openStore } from '@cryfold/store';
import { findTool, S3Server } from '@cryfold/testing';
import { AssumeRoleProvider } from 'minio/dist/esm/AssumeRoleProvider.mjs';
import { findRedis } from './cluster.js';
import { start, temporaryFolder } from './command.js';

const program = await findTool('minio');
const skip =
  (!program && 'minio is neither on PATH nor in $CRYFOLD_TOOLS nor in the cache') ||
  (!(await findRedis()) && 'there is no Redis');

/** Lifetime of a role's keys in seconds: the shortest that MinIO and Amazon allow. */
const LIFE = 900;
/** Seconds between issuing the keys and replacing them: once before they expire, and once after that. */
const RENEWALS = { 'in time': LIFE - 60, late: LIFE + 20 };
/** Seconds per fold, and the number of folds and repeats. Together, the folds take longer than the keys are valid. */
const FOLD = 50;
const PROTOCOL = { folds: 4, repeats: 5 };
const FOLDS = PROTOCOL.folds * PROTOCOL.repeats;

/** Sleeps, and then predicts the same probabilities for each clip. */
const TRAIN = `
import { readFileSync, writeFileSync } from 'node:fs';
const fold = JSON.parse(readFileSync('fold.json', 'utf8'));
await new Promise((resolve) => setTimeout(resolve, fold.parameters.seconds * 1000));
const { test, classes } = fold;
const text = ("{'descr': '<f8', 'fortran_order': False, 'shape': (" + test + ", " + classes.length + "), }").padEnd(117) + '\\n';
const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length, 0]);
const rows = new Float64Array(test * classes.length).fill(1 / classes.length);
writeFileSync(fold.output, Buffer.concat([prefix, Buffer.from(text), Buffer.from(rows.buffer)]));
`;

interface Keys {
  accessKey: string;
  secretKey: string;
  sessionToken: string;
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: S3Server;
const path = (...names: string[]) => join(folder.path, ...names);

before(async () => {
  if (!program || skip) return;
  folder = await temporaryFolder();
  server = await S3Server.start({ tool: 'minio', program });
  await synthesizeCorpus(path('corpus'), { clips: 40, seed: 1 });
  await writeFile(path('train.mjs'), TRAIN);
});
after(async () => {
  await server?.stop();
  await folder?.remove();
});

async function assumeRole(seconds = LIFE): Promise<Keys> {
  const { accessKey, secretKey, region } = server;
  const provider = new AssumeRoleProvider({ stsEndpoint: server.endpoint, accessKey, secretKey, region });
  // Set the lifetime directly, because the provider by itself never requests one this short.
  Object.assign(provider, { expirySeconds: seconds });
  const keys = await provider.getCredentials();
  return {
    accessKey: keys.getAccessKey(),
    secretKey: keys.getSecretKey(),
    sessionToken: keys.getSessionToken() ?? '',
  };
}

/** Replaces the key files one by one, like an agent that runs next to a service. @returns variables with their paths */
async function writeKeys(place: string, keys: Keys): Promise<Record<string, string>> {
  await mkdir(path(place), { recursive: true });
  const variables = {
    AWS_ACCESS_KEY_ID_FILE: keys.accessKey,
    AWS_SECRET_ACCESS_KEY_FILE: keys.secretKey,
    AWS_SESSION_TOKEN_FILE: keys.sessionToken,
  };
  for (const [variable, text] of Object.entries(variables)) {
    await writeFile(path(place, 'next'), text);
    await rename(path(place, 'next'), path(place, variable));
  }
  return Object.fromEntries(Object.keys(variables).map((variable) => [variable, path(place, variable)]));
}

function storeWith(prefix: string, keys: Pick<Keys, 'accessKey' | 'secretKey'> & Partial<Keys>) {
  const place = { endpoint: server.endpoint, region: server.region, addressing: 'path' as const };
  return openStore(`s3://${server.bucket}/${prefix}`, { ...place, ...keys }, { patienceMs: 1000 });
}

/** Writes a spec with its own folds, since a machine refuses to run a spec twice at once. @returns the spec's path */
async function writeSpec(name: string): Promise<string> {
  const own = {
    ...{ kind: 'command', run: [process.execPath, 'train.mjs'], files: ['train.mjs'] },
    parameters: { seconds: FOLD, renewed: name },
  };
  const features = { kind: 'spectrogram', height: 8, width: 8 };
  const spec = { version: 1, name, protocol: PROTOCOL, features, estimators: { own } };
  await writeFile(path(`${name}.yaml`), JSON.stringify(spec));
  return path(`${name}.yaml`);
}

/** Counts the folds and attempts of a run, and the folds committed after an instant in milliseconds. */
async function foldsOf(prefix: string, instant: number) {
  const store = storeWith(prefix, server);
  const attempts = new Set<string>();
  let folds = 0;
  let later = 0;
  for await (const key of store.list('folds')) {
    const [, fold, what] = key.split('/');
    if (what !== 'result.json') {
      attempts.add(`${fold}/${what}`);
      continue;
    }
    folds++;
    if ((await store.stat(key))!.modified.getTime() > instant) later++;
  }
  await store.close();
  return { folds, attempts: attempts.size, later };
}

test('continues a run after its role’s keys expire, whether they are renewed in time or 20 s late', {
  skip,
}, async (t) => {
  await assert.rejects(assumeRole(LIFE - 1), /expiry/, 'MinIO now allows a shorter lifetime');
  const first = await assumeRole();
  const begun = Date.now();
  const until = (seconds: number) => sleep(begun + seconds * 1000 - Date.now(), undefined, { ref: false });
  const evaluate = async (name: string, renewal: number) => {
    const prefix = name.replace(' ', '-');
    const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _key, ...place } = server.environment(prefix);
    const files = await writeKeys(prefix, first);
    const flags = ['--data', path('corpus'), '--workers', '1', '--out', path(`out-${prefix}`)];
    const running = start(['run', await writeSpec(prefix), ...flags], { ...place, ...files });
    t.after(() => running.process.kill('SIGKILL'));
    const early = await Promise.race([running.ended, until(renewal)]);
    assert.equal(early, undefined, `the run exited before its keys were renewed: ${early?.stderr}`);
    await writeKeys(prefix, await assumeRole());
    const { code, stderr } = await running.ended;
    const logs = /logs in (\S+)/.exec(stderr)?.[1];
    if (logs) await rm(dirname(resolve(logs)), { recursive: true });
    assert.equal(code, 0, stderr);
    const { folds, attempts, later } = await foldsOf(prefix, begun + LIFE * 1000);
    const seconds = Math.round((Date.now() - begun) / 1000);
    t.diagnostic(`renewed ${name}: ${folds} folds, ${attempts} attempts, ${later} after the expiry, ${seconds} s`);
    assert.equal(folds, FOLDS);
    assert.equal(attempts, FOLDS, 'nothing is trained twice');
    assert.ok(later > 0, 'some folds are committed after the keys expired');
  };
  const expire = async () => {
    await until(LIFE + 5);
    const store = storeWith('in-time', first);
    await assert.rejects(store.get('a'), (error) => error instanceof CryfoldError && error.code === 'STORE_DENIED');
    await store.close();
  };
  await Promise.all([...Object.entries(RENEWALS).map(([name, renewal]) => evaluate(name, renewal)), expire()]);
});
