// Writes docs/spec.md from the schema of specs in packages/plan.
import { writePage } from './reference/page.js';
import { specReference } from './reference/spec.js';

writePage('spec.md', specReference());
