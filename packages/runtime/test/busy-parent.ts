import { fileURLToPath } from 'node:url';
import { BoundedChild } from '../src/index.js';

// The parent of a busy child: it prints the child's number once the child computes.
const entry = fileURLToPath(new URL('./busy.js', import.meta.url));
const child = new BoundedChild(entry, { limitMb: 500, hint: '', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
child.process.once('message', () => console.log(child.process.pid));
