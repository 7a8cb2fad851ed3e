import { z } from 'zod';

/** Every environment variable that cryfold itself reads. */
export const environmentSchema = z.object({
  REDIS_URL: z
    .string()
    .min(1)
    .optional()
    .describe('Redis URL of a cluster; if unset, commands start a private one if they need it'),
  REDIS_PASSWORD_FILE: z
    .string()
    .optional()
    .describe('file that contains the password for Redis; read at each connection'),
  CRYFOLD_STORE: z
    .string()
    .min(1)
    .optional()
    .describe('same as --store: a folder or s3://BUCKET/PREFIX; default: ./cryfold'),
  CRYFOLD_CACHE: z
    .string()
    .min(1)
    .optional()
    .describe('folder for TensorFlow, weights and other built or downloaded files; default: cryfold in XDG_CACHE_HOME'),
  XDG_CACHE_HOME: z.string().min(1).optional().describe('folder for caches; default: ~/.cache'),
  CRYFOLD_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('minimum level of log lines'),
  CRYFOLD_ONLY_RUN: z
    .string()
    .min(1)
    .optional()
    .describe('the only run that a coordinator executes; set by cryfold run for its own coordinator'),
  CRYFOLD_LOCAL: z.string().optional().describe('set by cryfold run for the services that it starts'),
  CRYFOLD_IMAGE: z
    .enum(['control', 'cpu-worker', 'gpu-worker'])
    .optional()
    .describe('name of the container image; set in the images'),
  CRYFOLD_START_TIMEOUT: z.coerce
    .number()
    .min(0)
    .max(86_400)
    .default(60)
    .describe('seconds that a starting service waits for Redis or a store that does not respond'),
  // Node's timers fire immediately if their delay exceeds 24 days.
  CRYFOLD_GRACE_SECONDS: z.coerce
    .number()
    .min(0)
    .max(2_000_000)
    .default(25)
    .describe('seconds for which a stopping worker may continue to train its folds'),
  CRYFOLD_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('address of the S3 server; default: Amazon S3'),
  CRYFOLD_S3_ADDRESSING: z
    .enum(['path', 'host'])
    .optional()
    .describe(
      'whether URLs contain the bucket in the path or in the host name; default: path with CRYFOLD_S3_ENDPOINT, otherwise host',
    ),
  CRYFOLD_S3_CA_FILE: z.string().optional().describe('PEM file with the certificates to trust for the S3 server'),
  AWS_REGION: z.string().default('us-east-1').describe('region of the bucket'),
  AWS_ACCESS_KEY_ID: z.string().optional().describe('S3 access key'),
  AWS_ACCESS_KEY_ID_FILE: z.string().optional().describe('file that contains the access key'),
  AWS_SECRET_ACCESS_KEY: z.string().optional().describe('S3 secret key'),
  AWS_SECRET_ACCESS_KEY_FILE: z.string().optional().describe('file that contains the secret key'),
  AWS_SESSION_TOKEN: z.string().optional().describe('session token for temporary keys'),
  AWS_SESSION_TOKEN_FILE: z.string().optional().describe('file that contains the session token'),
  AWS_WEB_IDENTITY_TOKEN_FILE: z
    .string()
    .optional()
    .describe('file with a token that is exchanged for keys of the role in AWS_ROLE_ARN, if no keys are set'),
  AWS_ROLE_ARN: z.string().optional().describe('ARN of the role whose keys are used'),
  AWS_ROLE_SESSION_NAME: z.string().default('cryfold').describe('session name for the role'),
  AWS_ENDPOINT_URL_STS: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('address of the STS server; required if the S3 server is not Amazon’s'),
  CUDA_VISIBLE_DEVICES: z.string().optional().describe('GPUs to use, by index or UUID, comma-separated; default: all'),
  CRYFOLD_CHILD_MEMORY_MB: z.coerce
    .number()
    .min(256)
    .optional()
    .describe(
      'maximum memory in MiB of one training or predicting process; default: nearly all memory of the machine or container',
    ),
  CRYFOLD_METRICS_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('port of /metrics, /healthz and /readyz of a service; 0: any free port; default: none'),
  CRYFOLD_METRICS_HOST: z.string().optional().describe('address to listen on for metrics; default: all interfaces'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('OTLP/HTTP collector that receives traces; default: no tracing'),
  CRYFOLD_SERVER: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('same as --server: address of the coordinator’s API that commands use'),
  CRYFOLD_API_TOKEN: z.string().optional().describe('token for the server in CRYFOLD_SERVER'),
  CRYFOLD_API_TOKEN_FILE: z.string().optional().describe('file with the token for the server in CRYFOLD_SERVER'),
  CRYFOLD_API_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('port of a coordinator’s API and live page; 0: any free port; default: none'),
  CRYFOLD_API_HOST: z.string().default('127.0.0.1').describe('address to listen on for the API'),
  CRYFOLD_API_TOKENS: z
    .string()
    .optional()
    .describe(
      'tokens that the API accepts: read:TOKEN and operate:TOKEN, comma-separated; without tokens, only this machine may connect',
    ),
  CRYFOLD_API_TOKENS_FILE: z
    .string()
    .optional()
    .describe('file that contains the tokens for the API, one per line; read again when it changes'),
  CRYFOLD_SERVE_TOKENS: z
    .string()
    .optional()
    .describe(
      'tokens that cryfold serve accepts, in the same form as CRYFOLD_API_TOKENS; without tokens, every client is accepted',
    ),
  CRYFOLD_SERVE_TOKENS_FILE: z
    .string()
    .optional()
    .describe('file that contains the tokens for cryfold serve, one per line; read again when it changes'),
  CRYFOLD_API_RATE: z.coerce
    .number()
    .int()
    .min(1)
    .default(6000)
    .describe('maximum number of requests per minute from one client'),
});

/**
 * The JSON Schema of the environment: each variable with its values, default and meaning. docs/environment.md is
 * generated from it.
 */
export const environmentJsonSchema = (): object => z.toJSONSchema(environmentSchema, { io: 'input' });
