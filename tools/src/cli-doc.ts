// Writes docs/cli.md from the commands of packages/cli.
import { cliReference } from './reference/cli.js';
import { writePage } from './reference/page.js';

writePage('cli.md', cliReference());
