import { CryfoldError, redactUrl } from './errors.js';

export interface RedisNode {
  host: string;
  port: number;
}

/** Credentials and encryption of a Redis connection. Contains secrets. */
interface Credentials {
  tls: boolean;
  username: string | undefined;
  password: string | undefined;
  /** File from which the password is read for each connection */
  passwordFile?: string | undefined;
}

/** A single server, by URL or by the path of its Unix socket. */
export interface SingleRedis {
  kind: 'single';
  url: string;
}

/** Redis servers that are monitored by Sentinels, which report the current primary. */
export interface SentinelRedis extends Credentials {
  kind: 'sentinel';
  sentinels: RedisNode[];
  /** The name that the Sentinels use for the primary */
  name: string;
  db: number;
  /** Credentials for the connections to the Sentinels */
  sentinelPassword: string | undefined;
}

/** A Redis Cluster, given by some of its nodes. */
export interface ClusterRedis extends Credentials {
  kind: 'cluster';
  nodes: RedisNode[];
}

export type RedisAddress = SingleRedis | SentinelRedis | ClusterRedis;

const FORMS = [
  'redis://user:password@host:port',
  'redis+sentinel://user:password@host:port,host:port/NAME',
  'redis+cluster://user:password@host:port,host:port',
].join(', or ');

const PORTS = { sentinel: 26_379, cluster: 6379 };

/**
 * Parses REDIS_URL: `redis://` or `rediss://` (TLS) for one server, `redis+sentinel://` or `rediss+sentinel://` with
 * the Sentinels and the primary's name, `redis+cluster://` or `rediss+cluster://` with nodes of a Redis Cluster, or the
 * path of a Unix socket.
 * @throws CryfoldError USAGE, without secrets
 */
export function parseRedisUrl(url: string): RedisAddress {
  const scheme = /^([\w+.-]+):\/\//.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: 'single', url };
  const [, secure, kind] = /^redis(s?)(?:\+(sentinel|cluster))?$/.exec(scheme) ?? [];
  if (secure === undefined) throw notRedis(url);
  if (kind === undefined) {
    if (!URL.canParse(url)) throw notRedis(url);
    return { kind: 'single', url };
  }
  // The URL class parses only a single host.
  const [, authority, path, query] = /^[^:]+:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url) ?? [];
  if (!authority) throw notRedis(url);
  const at = authority.lastIndexOf('@');
  const nodes = authority
    .slice(at + 1)
    .split(',')
    .map((text, i) => nodeOf(text, PORTS[kind as keyof typeof PORTS]) ?? refuseNode(url, i + 1));
  const given = new URLSearchParams(query);
  const passwordFile = given.get('passwordFile') ?? undefined;
  const credentials = {
    tls: secure === 's',
    ...userOf(at < 0 ? '' : authority.slice(0, at), url),
    ...(passwordFile && { passwordFile }),
  };
  if (kind === 'cluster') {
    if (path || [...given.keys()].some((name) => name !== 'passwordFile'))
      throw notRedis(url, 'a Redis Cluster has neither a name nor database numbers');
    return { kind, nodes, ...credentials };
  }
  const [, name, db] = /^([^/]+)(?:\/(\d+))?$/.exec(path ?? '') ?? [];
  if (!name) throw notRedis(url, 'the Sentinels must be followed by /NAME, the name that they use for the primary');
  return {
    kind: 'sentinel',
    sentinels: nodes,
    name: decoded(name, url),
    db: Number(db ?? 0),
    sentinelPassword: given.get('sentinelPassword') ?? undefined,
    ...credentials,
  };
}

/**
 * Adds the path of the file from which connections read the password, unless the URL has a password or cannot be
 * parsed.
 */
export function withRedisPasswordFile(url: string, file: string): string {
  const [, authority] = /^[\w+.-]+:\/\/([^/?#]*)/.exec(url) ?? [];
  if (authority === undefined || /^[^:@]*:[^@]/.test(authority.slice(0, authority.lastIndexOf('@') + 1))) return url;
  return `${url}${url.includes('?') ? '&' : '?'}passwordFile=${encodeURIComponent(file)}`;
}

/**
 * The message never quotes the address: if a password contains an unescaped /, part of it looks like the address of a
 * node.
 */
function refuseNode(url: string, number: number): never {
  throw notRedis(url, `address ${number} is not host:port`);
}

function nodeOf(text: string, usual: number): RedisNode | undefined {
  const [, host, port] = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (!host || Number(port ?? usual) > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? usual) };
}

function userOf(text: string, url: string): Pick<Credentials, 'username' | 'password'> {
  const colon = text.indexOf(':');
  const [user, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return { username: decoded(user, url) || undefined, password: decoded(password, url) || undefined };
}

function decoded(text: string, url: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notRedis(url);
  }
}

function notRedis(url: string, why?: string): CryfoldError {
  return new CryfoldError(
    'USAGE',
    `REDIS_URL is not the URL of a Redis server: ${redactUrl(url)}${why ? `: ${why}` : ''}`,
    {
      hint: `Use ${FORMS}. Percent-encode special characters in the user name and the password.`,
    },
  );
}
