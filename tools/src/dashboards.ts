// Writes infra/grafana/dashboards/*.json from infra/grafana/src. A test checks that these files are up to date.
import { mkdirSync, writeFileSync } from 'node:fs';
import { BOARDS } from '@cryfold/grafana';

const folder = new URL('../../../infra/grafana/dashboards/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, build] of Object.entries(BOARDS)) {
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(build(), null, 2)}\n`);
}
