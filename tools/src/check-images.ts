// Runs the steps of infra/Dockerfile in a scratch folder. scripts/check-images starts this program and describes it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkImage, IMAGES, type Image } from './images/check-image.js';
import { parseDockerfile } from './images/dockerfile.js';
import { ScratchBuild } from './images/scratch-build.js';
import { ROOT } from './paths.js';

const { values, positionals } = parseArgs({
  options: { variant: { type: 'string', default: 'cpu' }, keep: { type: 'boolean', default: false } },
  allowPositionals: true,
});

async function main(): Promise<void> {
  const unknown = positionals.find((name) => !IMAGES.includes(name as Image));
  if (unknown) throw new Error(`check-images: there is no image ${unknown}; there are ${IMAGES.join(', ')}`);
  const wanted = positionals.length > 0 ? (positionals as Image[]) : IMAGES;
  const scratch = mkdtempSync(join(tmpdir(), 'cryfold-images-'));
  try {
    const stages = parseDockerfile(readFileSync(join(ROOT, 'infra', 'Dockerfile'), 'utf8'));
    const built = new ScratchBuild(stages, scratch, values.variant);
    for (const name of wanted) {
      built.build(name);
      await checkImage(built, name);
    }
    for (const what of built.skipped) console.log(`check-images: not run: ${what}`);
    console.log(`check-images: ${wanted.length} images; all other steps were run`);
  } finally {
    if (values.keep) console.log(`check-images: kept in ${scratch}`);
    else rmSync(scratch, { recursive: true, force: true });
  }
}

await main();
