import { createReadStream, createWriteStream } from 'node:fs';
import { access, chmod, constants, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

const PLATFORM = `${process.platform === 'darwin' ? 'macos' : process.platform}-${process.arch}`;

const there = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/**
 * Finds a program that tests need. Looks for it on the PATH, then in the cache, and then in
 * `$CRYFOLD_TOOLS/<os>-<arch>/NAME.gz`, which is unpacked into the cache. Returns undefined if the program is in none
 * of these places.
 */
export async function findTool(
  name: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  for (const folder of (environment.PATH ?? '').split(delimiter).filter(Boolean)) {
    if (await there(join(folder, name))) return join(folder, name);
  }
  const cache = environment.CRYFOLD_CACHE ?? join(environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cryfold');
  const cached = join(cache, 'tools', name);
  if (await there(cached)) return cached;
  const packed = environment.CRYFOLD_TOOLS && join(environment.CRYFOLD_TOOLS, PLATFORM, `${name}.gz`);
  if (
    !packed ||
    !(await access(packed).then(
      () => true,
      () => false,
    ))
  )
    return undefined;
  await mkdir(join(cache, 'tools'), { recursive: true });
  // Several test processes may unpack at the same time, so each of them renames a complete file into place.
  const staged = `${cached}.${process.pid}`;
  try {
    await pipeline(createReadStream(packed), createGunzip(), createWriteStream(staged));
    await chmod(staged, 0o755);
    await rename(staged, cached);
  } finally {
    await rm(staged, { force: true });
  }
  return cached;
}
