import type { Command } from 'commander';
import { addControlCommands } from './control-commands.js';
import { addDataCommands } from './data-program.js';
import { addDoctorCommand } from './doctor-program.js';
import { addModelCommands } from './model-commands.js';
import { type ActionWrapper, createProgram, runProgram } from './program.js';
import { addResultCommands } from './result-program.js';
import { addRunCommands } from './run-program.js';
import { addServiceCommands } from './service-program.js';

/** Runs the command line and returns its exit code. The code of a command is loaded only when the command runs. */
export const main = (args: string[]): Promise<number> =>
  runProgram(args, (program, wrap) => {
    addCommands(program, wrap);
    program.addHelpText('after', HELP);
  });

/**
 * All commands with their arguments and options, from which docs/cli.md is generated. Running one of them does nothing.
 */
export function commandTree(): Command {
  const program = createProgram();
  addCommands(program, () => async () => {});
  return program;
}

function addCommands(program: Command, wrap: ActionWrapper): void {
  addRunCommands(program, wrap);
  addResultCommands(program, wrap);
  addDataCommands(program, wrap);
  addControlCommands(program, wrap);
  addModelCommands(program, wrap);
  addDoctorCommand(program, wrap);
  addServiceCommands(program, wrap);
}

const HELP = `
Environment:
  REDIS_URL              Redis of a cluster (default: each command starts a private one); the password may be
                         in the file at REDIS_PASSWORD_FILE
  CRYFOLD_STORE          same as --store: a folder or s3://BUCKET/PREFIX (default: ./cryfold)
  CRYFOLD_S3_ENDPOINT    https://HOST:PORT of the S3 server (default: Amazon S3); see docs/storage.md
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION
                         credentials and region for S3, or AWS_..._FILE with the paths of mounted files
  CRYFOLD_SERVER         same as --server; requires a token in CRYFOLD_API_TOKEN, or in the file at
                         CRYFOLD_API_TOKEN_FILE
  CRYFOLD_API_PORT, CRYFOLD_API_HOST (127.0.0.1), CRYFOLD_API_TOKENS or CRYFOLD_API_TOKENS_FILE
                         port, interface and tokens for the HTTP API of a coordinator; see docs/api.md
  CRYFOLD_SERVE_TOKENS, or CRYFOLD_SERVE_TOKENS_FILE with the path of a file
                         tokens that cryfold serve accepts (default: no token is required)
  HTTPS_PROXY, HTTP_PROXY  proxy for --server, S3, weights and traces; NO_PROXY lists hosts to contact directly
  CRYFOLD_CACHE          folder for TensorFlow, weights and other cached files
  CRYFOLD_LOG_LEVEL      trace, debug, info, warn, error or silent
  CRYFOLD_METRICS_PORT   port for the /metrics, /healthz and /readyz endpoints of services (default: none);
                         CRYFOLD_METRICS_HOST sets the interface (default: all interfaces)
  OTEL_EXPORTER_OTLP_ENDPOINT  http(s) URL of the OTLP collector for traces (default: no tracing)
  CRYFOLD_GRACE_SECONDS  how many seconds the folds of a stopping worker may continue (default: 25)
  CRYFOLD_START_TIMEOUT  how many seconds a starting service waits for Redis and the store (default: 60)

Exit codes: 0 success, 1 failed, 2 usage error, 3 incomplete (some folds failed), 4 cancelled,
  10 bad input (spec, data or weights), which a retry cannot fix; compare: 0 better, 5 same, 6 worse;
  retrain: 0 promoted, 7 unchanged, 8 refused, 9 another command promoted a version first;
  141 the output was closed before the command finished`;
