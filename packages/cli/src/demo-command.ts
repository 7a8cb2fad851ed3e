import { fileURLToPath } from 'node:url';
import { synthesizeCorpus } from '@cryfold/corpus';
import { readConfig } from './program.js';
import { ProgressDisplay } from './progress.js';
import { runProtocols } from './protocols.js';

const SPEC = fileURLToPath(new URL('../../../../specs/demo.yaml', import.meta.url));
/** Folder of the synthetic corpus, within the working folder */
const CORPUS = 'cryfold-demo';
const CLIPS = 300;

export type DemoOptions = Omit<Parameters<typeof runProtocols>[0], 'spec' | 'data'>;

/**
 * `cryfold demo`: evaluates the four models of the paper on a synthetic corpus with Baby Chillanto's names and classes.
 */
export async function demoCommand(options: DemoOptions & { json: boolean }): Promise<number> {
  const display = new ProgressDisplay(process.stderr, options.json);
  await synthesizeCorpus(CORPUS, {
    seed: 0,
    clips: CLIPS,
    onProgress: (done, total) => display.update(`writing ${done}/${total} clips`),
  });
  display.clear();
  return runProtocols({ ...options, spec: SPEC, data: CORPUS }, await readConfig(), process.env);
}
