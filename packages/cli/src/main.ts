import { addControlCommands } from './control-commands.js';
import { addDataCommands } from './data-program.js';
import { addDoctorCommand } from './doctor-program.js';
import { addModelCommands } from './model-commands.js';
import { runProgram } from './program.js';
import { addResultCommands } from './result-program.js';
import { addRunCommands } from './run-program.js';
import { addServiceCommands } from './service-program.js';

/** Runs the command line and answers its exit code. What a command runs is loaded when it runs. */
export const main = (args: string[]): Promise<number> =>
  runProgram(args, (program, does) => {
    addRunCommands(program, does);
    addResultCommands(program, does);
    addDataCommands(program, does);
    addControlCommands(program, does);
    addModelCommands(program, does);
    addDoctorCommand(program, does);
    addServiceCommands(program, does);
    program.addHelpText('after', HELP);
  });

const HELP = `
Environment:
  REDIS_URL              Redis of a cluster (unset: a private one for this command); its password may be in the
                         file that REDIS_PASSWORD_FILE names
  CRYFOLD_STORE          as --store: a folder or s3://BUCKET/PREFIX (unset: ./cryfold)
  CRYFOLD_S3_ENDPOINT    https://HOST:PORT of the S3 server (unset: Amazon's); docs/storage.md has the rest
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, or AWS_..._FILE naming mounted files
  CRYFOLD_SERVER         as --server; with CRYFOLD_API_TOKEN, or CRYFOLD_API_TOKEN_FILE naming a file
  CRYFOLD_API_PORT, CRYFOLD_API_HOST (127.0.0.1), CRYFOLD_API_TOKENS or CRYFOLD_API_TOKENS_FILE: what a coordinator
                         serves, and to whom: docs/api.md
  CRYFOLD_SERVE_TOKENS, or CRYFOLD_SERVE_TOKENS_FILE naming a file: who may ask cryfold serve (unset: everybody)
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY  the proxy for --server, S3, weights and traces, and hosts that need none
  CRYFOLD_CACHE          where TensorFlow and other built things are kept
  CRYFOLD_LOG_LEVEL      trace, debug, info, warn, error or silent
  CRYFOLD_METRICS_PORT   where services answer /metrics, /healthz, /readyz (unset: nowhere); CRYFOLD_METRICS_HOST (all)
  OTEL_EXPORTER_OTLP_ENDPOINT  http(s) collector of traces, OTLP (unset: nothing is traced)
  CRYFOLD_GRACE_SECONDS  how long a stopping worker lets its fold run on (25)
  CRYFOLD_START_TIMEOUT  how long a starting service waits for a Redis or a store that is away, seconds (60)

Exit codes: 0 done, 1 failed, 2 usage, 3 incomplete (some folds failed), 4 cancelled,
  10 bad input (spec, data, weights): the same command fails again; compare: 0 better, 5 same, 6 worse;
  retrain: 0 promoted, 7 unchanged, 8 refused, 9 lost to another promotion;
  141 the reader of the output closed it`;
