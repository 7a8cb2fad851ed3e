import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@cryfold/testing';
import { type Bench, runTest } from './bench.js';
import { type Case, type CaseGroup, type CoveringTest, testsOf } from './case.js';
import { failover } from './failover.js';

/** Creates a case that needs a cluster. It is reproduced by running its test, which uses real servers. */
const byTest = (name: string, file: string, test: string): Case => ({
  name,
  run: (bench) => runTest(bench, file, test),
  expected: /^its test passes$/,
  tests: testsOf(file)(test),
});

/** Returns the report of `cryfold doctor` on an S3 server that responds to conditional puts in this way. */
async function doctor(bench: Bench, mode: string): Promise<string> {
  const port = String(await freePort());
  const stub = spawn(process.execPath, [`${bench.cases}/09-10-s3stub.mjs`, port, mode], { stdio: 'ignore' });
  try {
    const environment = {
      CRYFOLD_S3_ENDPOINT: `http://127.0.0.1:${port}`,
      CRYFOLD_S3_REGION: 'us-east-1',
      ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testtest' },
    };
    for (let tries = 0; tries < 100 && !(await listens(port)); tries++) await sleep(50);
    const args = ['doctor', '--store', 's3://bucket'];
    const { code, stdout, stderr } = await bench.cryfold(args, { environment, seconds: 120 });
    const found = /^FAIL +store +(.*)\n +(.*)$/m.exec(stdout);
    return found ? `exit ${code}: ${found[1]}: ${found[2]}` : `exit ${code}: ${stderr.trim()}`;
  } finally {
    stub.kill('SIGKILL');
    await once(stub, 'exit');
  }
}

const listens = (port: string) =>
  fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );

const ignored = testsOf('packages/store/test/s3-store.test.ts')(
  's3 store: rejects a server that ignores If-None-Match',
);
const refused = testsOf('packages/store/test/s3-checks.test.ts');

const stub = (mode: string, tests: CoveringTest[]): Case => ({
  ...{ name: `09-10 a server that answers conditional puts with ${mode}`, tests },
  run: (bench) => doctor(bench, mode),
  expected: /^exit 1: .*server that supports If-None-Match/,
});

/** Presses Ctrl-C twice in a terminal. @returns the exit code, and the number of the run's processes that are left */
async function interrupted(bench: Bench, gap: string): Promise<string> {
  const data = await bench.make('base.py');
  const store = bench.path(`29-${gap}`);
  const printed = await bench.python('29-ctrlc.py', ['2', gap], (text) =>
    text
      .replace("'$CASES_WORK/c/base'", `'${data}'`)
      .replaceAll("'$CASES_WORK/o/29c'", `'${store}'`)
      .replace("'--out'", "'--store'")
      .replace("os.environ['HOME']='$HOME'", '')
      // More repeats are needed, because the run must not finish within the six seconds before the first Ctrl-C.
      .replace("'400' if", "'2000' if")
      .replace("'o/29c|cryfold-redis'", `'${store}'`),
  );
  const left = printed.split('\n').filter((line) => /^\d+ /.test(line) && line.includes(store));
  return `${/exit -?\d+/.exec(printed)?.[0]}; ${left.length} processes left`;
}

const endings = testsOf('test/src/endings.test.ts')(
  'pressing Ctrl-C twice leaves no process behind, at five moments and intervals',
);

export const cluster: CaseGroup = {
  inputs: [
    '06-failover.sh',
    '06-proxy.mjs',
    '06c-stop-without-redis.sh',
    '09-10-s3stub.mjs',
    '19-keras.py',
    '28-starve.sh',
    '29-ctrlc.py',
  ],
  cases: [
    {
      name: '06 a failover with open connections',
      run: failover,
      expected: /^exit 0; failed over during the run; 200 of 200 folds$/,
      tests: testsOf('test/src/redis-faults.soak.test.ts')('survives a failover that leaves connections open'),
    },
    byTest(
      '06c a follower is stopped while Redis is down',
      'test/src/processes.test.ts',
      'stops following a cluster’s run on a signal while Redis is unreachable',
    ),
    stub('ignore', ignored),
    stub('501', refused("'501 NotImplemented': xml(")),
    stub('400', refused("'400 InvalidArgument': xml(")),
    stub('409', refused("'409 ConditionalRequestConflict': xml(")),
    stub('html', refused("'501 with the page of a gateway': (")),
    byTest(
      '19 weights that Keras wrote',
      'packages/nn/test/weights.test.ts',
      "with a file that Keras wrote, convolution and folded normalization produce Keras's output",
    ),
    byTest(
      '19 layouts of weights that do not fit',
      'packages/nn/test/weights.test.ts',
      'reports violations of the layout of a weights file',
    ),
    byTest(
      '28 a small run alongside a large sweep',
      'test/src/fairness.test.ts',
      'shares workers fairly between runs, regardless of their queue lengths',
    ),
    ...['0.01', '0.3'].map((gap) => ({
      name: `29 Ctrl-C twice, ${gap} s apart`,
      run: (bench: Bench) => interrupted(bench, gap),
      expected: /^exit 4; 0 processes left$/,
      tests: endings,
    })),
  ],
};
