// Prints a manifest of the drum kits of Debian's package hydrogen-drumkits.
import { readdir } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';

const HELP = `Usage: tools/drumkits DIR

Prints a manifest of the drum kits in DIR, one folder for each kit: the class is what was struck, the group is the kit.
Recordings whose names do not say what was struck are left out.

  apt-get download hydrogen-drumkits && dpkg -x hydrogen-drumkits_*.deb drums
  tools/drumkits drums/usr/share/hydrogen/data/drumkits > drumkits.csv
`;

/** Patterns in the names of recordings, by class. The first match decides. */
const CLASSES: readonly (readonly [string, RegExp])[] = [
  ['hi-hat', /hi ?hat|\bhats?\b|^(open|closed|pedal)?hh|^h[ocp]\b|chh|ohh/],
  ['cymbal', /crash|ride|splash|china|cymbal|^[cr]c\b/],
  ['snare', /snare|^sd|^sn/],
  ['kick', /kick|bass ?drum|^bd/],
  ['tom', /\b(floor|pearl)?tom|^[fhml]?t\b/],
];

/** @returns undefined if the name does not indicate a class */
export function drumOf(name: string): string | undefined {
  const words = name
    .toLowerCase()
    .replace(/[-_.\d]+/g, ' ')
    .trim();
  return CLASSES.find(([, pattern]) => pattern.test(words))?.[0];
}

const [root] = process.argv.slice(2);
if (root === '--help' || root === '-h') {
  process.stdout.write(HELP);
  process.exit(0);
}
if (!root) {
  process.stderr.write(HELP);
  process.exit(2);
}
const quoted = (text: string) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const files = (await readdir(root, { recursive: true })).filter((file) => /\.(flac|wav)$/i.test(file)).sort();
process.stdout.write('path,label,group\n');
for (const file of files) {
  const name = file.split(sep).at(-1)!;
  const drum = drumOf(name.slice(0, -extname(name).length));
  if (drum) process.stdout.write(`${[resolve(join(root, file)), drum, file.split(sep)[0]].map(quoted).join(',')}\n`);
}
