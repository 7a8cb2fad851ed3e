import { CryfoldError } from '@cryfold/core';

/** `read` may view; `operate` may also start, cancel and retry. */
export type ApiRole = 'read' | 'operate';

export type ApiToken = Readonly<{ role: ApiRole; token: string }>;

/** The tokens that a server accepts. Contains secrets. */
export interface Tokens {
  /** If empty, every client that can reach the port is accepted */
  tokens: readonly ApiToken[];
  /** The mounted file from which the tokens were read, and which may change while the process runs */
  tokensFile?: string | undefined;
}

/** Minimum length of a token. `openssl rand -base64 18` prints 24 characters, which contain 144 random bits. */
const TOKEN_LENGTH = 16;

/**
 * Parses lines (or a comma-separated list) of `read:TOKEN` and `operate:TOKEN`.
 * @param source how error messages refer to the text
 * @throws CryfoldError USAGE
 */
export function parseApiTokens(text: string, source: string): ApiToken[] {
  const lines = text.split(/[\n,]/).map((line) => line.trim());
  return lines.filter(Boolean).map((line, i) => {
    const [, role, token] = /^(read|operate):(\S+)$/.exec(line) ?? [];
    const why = !token
      ? 'is neither read:TOKEN nor operate:TOKEN'
      : token.length < TOKEN_LENGTH
        ? `has a token with fewer than ${TOKEN_LENGTH} characters`
        : undefined;
    if (why) {
      throw new CryfoldError('USAGE', `${source}: entry ${i + 1} ${why}`, {
        hint: 'Write a line of the form operate:TOKEN. To generate a token, use: openssl rand -hex 24',
      });
    }
    return { role: role as ApiRole, token };
  });
}
