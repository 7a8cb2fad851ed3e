import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { synthesizeCorpus } from '@cryfold/corpus';
import { cryfold, temporaryFolder } from './command.js';

/** Creates a folder with a small corpus. @returns functions that write specs with two folds and run commands */
export async function smallNets() {
  const folder = await temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  await synthesizeCorpus(path('corpus'), { clips: 30, seed: 2 });
  return {
    path,
    remove: folder.remove,
    async spec(name: string, text: string): Promise<string> {
      await writeFile(path(name), `version: 1\nname: nets\nprotocol: { folds: 2, repeats: 1 }\n${text}`);
      return path(name);
    },
    async json(args: string[]) {
      const { code, stdout, stderr } = await cryfold([...args, '--json'], { CRYFOLD_CACHE: path('cache') });
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    },
  };
}
