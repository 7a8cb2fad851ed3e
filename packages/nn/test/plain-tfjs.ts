import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withTemporaryFolder } from '../src/temporary-folder.js';

/** Plain @tensorflow/tfjs in a separate process, which never loads cryfold's binding. */
const PREDICT = `
const tf = require('@tensorflow/tfjs');
const { readFileSync } = require('node:fs');
const { shape, images } = JSON.parse(readFileSync('images.json'));
const { modelTopology, weightsManifest } = JSON.parse(readFileSync('model.json'));
const bytes = readFileSync(weightsManifest[0].paths[0]);
const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
(async () => {
  const handler = tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData });
  const model = await tf.loadLayersModel(handler);
  console.log(JSON.stringify([...model.predict(tf.tensor(images, shape)).dataSync()]));
})();`;

/** Predicts in plain TF.js with the files of `encodeTrainedModel`. @param shape shape of the images or vectors */
export function predictInTfjs(
  files: ReadonlyMap<string, Uint8Array>,
  images: Iterable<number>,
  shape: readonly number[],
): Promise<number[]> {
  return withTemporaryFolder('weights', async (folder) => {
    for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
    await writeFile(join(folder, 'images.json'), JSON.stringify({ shape, images: [...images] }));
    // Modules are resolved relative to the checkout, and files relative to the folder.
    const script = `const require = process.getBuiltinModule('node:module').createRequire(${JSON.stringify(import.meta.url)});`;
    const evaluated = `process.chdir(${JSON.stringify(folder)}); { ${script} ${PREDICT} }`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', evaluated]);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  });
}
