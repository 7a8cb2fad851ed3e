import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/**
 * Replaces a program that is missing on test machines with a shell script, which comes first on the PATH until the test
 * ends.
 * @returns the path of the script, which a test may overwrite to change its output
 */
export async function standIn(t: TestContext, name: string, script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cryfold-stand-in-'));
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
    return rm(folder, { recursive: true });
  });
  const program = join(folder, name);
  await writeFile(program, script);
  await chmod(program, 0o755);
  process.env.PATH = `${folder}${delimiter}${path}`;
  return program;
}
