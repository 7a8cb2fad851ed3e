import { CryfoldError } from '@cryfold/core';

/** `read` looks; `operate` also starts, cancels and retries. */
export type ApiRole = 'read' | 'operate';

export type ApiToken = Readonly<{ role: ApiRole; token: string }>;

/** Who may ask a server. Holds secrets. */
export interface Tokens {
  /** Empty: everybody who reaches its port */
  tokens: readonly ApiToken[];
  /** The mounted file that the tokens were read from, which may change */
  tokensFile?: string | undefined;
}

/** Characters that a token has at least: 24 of `openssl rand -base64 18`'s are 144 bits. */
const TOKEN_LENGTH = 16;

/**
 * Lines (or a comma-separated list) of `read:TOKEN` and `operate:TOKEN`.
 * @param source names the text in errors
 * @throws CryfoldError USAGE
 */
export function parseApiTokens(text: string, source: string): ApiToken[] {
  const lines = text.split(/[\n,]/).map((line) => line.trim());
  return lines.filter(Boolean).map((line, i) => {
    const [, role, token] = /^(read|operate):(\S+)$/.exec(line) ?? [];
    const why = !token
      ? 'is neither read:TOKEN nor operate:TOKEN'
      : token.length < TOKEN_LENGTH
        ? `has a token of less than ${TOKEN_LENGTH} characters`
        : undefined;
    if (why) {
      throw new CryfoldError('USAGE', `${source}: entry ${i + 1} ${why}`, {
        hint: 'Write a line operate:TOKEN; openssl rand -hex 24 makes a token.',
      });
    }
    return { role: role as ApiRole, token };
  });
}
