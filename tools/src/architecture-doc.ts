// Generates the package diagram in docs/architecture.md from the package.json files.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.js';
import { packageDiagram } from './reference/packages.js';
import { writePage } from './reference/page.js';

const page = readFileSync(join(ROOT, 'docs', 'architecture.md'), 'utf8');
writePage('architecture.md', page.replace(/^```mermaid\n[\s\S]*?^```$/m, packageDiagram()));
