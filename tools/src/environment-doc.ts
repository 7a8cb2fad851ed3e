// Writes docs/environment.md from the schema of the environment in packages/runtime.
import { environmentReference } from './reference/environment.js';
import { writePage } from './reference/page.js';

writePage('environment.md', environmentReference());
