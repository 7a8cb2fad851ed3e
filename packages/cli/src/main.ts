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
  REDIS_URL              Redis of a cluster (default: a private one per command); its password may come from the
                         file at REDIS_PASSWORD_FILE
  CRYFOLD_STORE          same as --store: a folder or s3://BUCKET/PREFIX (default: ./cryfold)
  CRYFOLD_S3_ENDPOINT    https://HOST:PORT of the S3 server (default: Amazon S3); see docs/storage.md
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, or AWS_..._FILE with paths of mounted files
  CRYFOLD_SERVER         same as --server; needs CRYFOLD_API_TOKEN, or CRYFOLD_API_TOKEN_FILE with its path
  CRYFOLD_API_PORT, CRYFOLD_API_HOST (127.0.0.1), CRYFOLD_API_TOKENS or CRYFOLD_API_TOKENS_FILE
                         HTTP API of a coordinator; see docs/api.md
  CRYFOLD_SERVE_TOKENS, or CRYFOLD_SERVE_TOKENS_FILE with its path: tokens that cryfold serve accepts
                         (default: none needed)
  HTTPS_PROXY, HTTP_PROXY  proxy for --server, S3, weights and traces; NO_PROXY lists hosts to reach directly
  CRYFOLD_CACHE          folder for TensorFlow, weights and other cached files
  CRYFOLD_LOG_LEVEL      trace, debug, info, warn, error or silent
  CRYFOLD_METRICS_PORT   port of /metrics, /healthz and /readyz of services (default: none);
                         CRYFOLD_METRICS_HOST sets the interface (default: all)
  OTEL_EXPORTER_OTLP_ENDPOINT  OTLP collector of traces over http(s) (default: no tracing)
  CRYFOLD_GRACE_SECONDS  seconds for which folds of a stopping worker may continue (default: 25)
  CRYFOLD_START_TIMEOUT  seconds a starting service waits for Redis and the store (default: 60)

Exit codes: 0 done, 1 failed, 2 usage, 3 incomplete (some folds failed), 4 cancelled,
  10 bad input (spec, data, weights), where retrying does not help; compare: 0 better, 5 same, 6 worse;
  retrain: 0 promoted, 7 unchanged, 8 refused, 9 lost to another promotion;
  141 the output was closed before the command finished`;
