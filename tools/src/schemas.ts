// Writes docs/spec.schema.json, which lets editors complete and check specs, and docs/results.schema.json. Both are
// generated from the zod schemas in packages/plan and packages/evaluation. Run `npm run format` afterwards.
import { writeFileSync } from 'node:fs';
import { resultsJsonSchema } from '@cryfold/evaluation';
import { specJsonSchema } from '@cryfold/plan';

const docs = new URL('../../../docs/', import.meta.url);
for (const [name, schema] of [
  ['spec', specJsonSchema()],
  ['results', resultsJsonSchema()],
]) {
  writeFileSync(new URL(`${name}.schema.json`, docs), `${JSON.stringify(schema, null, 2)}\n`);
}
