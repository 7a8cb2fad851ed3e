// Prints a manifest of the drum kits that Debian's package hydrogen-drumkits ships: what was struck is the class, the kit
// is the group. Recordings whose names say neither are left out.
//
//   dpkg -x hydrogen-drumkits_*.deb DIR && tools/drumkits DIR/usr/share/hydrogen/data/drumkits > drumkits.csv
import { readdir } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';

/** What names of recordings hold, the first match decides. */
const CLASSES: readonly (readonly [string, RegExp])[] = [
  ['hi-hat', /hi ?hat|\bhats?\b|^(open|closed|pedal)?hh|^h[ocp]\b|chh|ohh/],
  ['cymbal', /crash|ride|splash|china|cymbal|^[cr]c\b/],
  ['snare', /snare|^sd|^sn/],
  ['kick', /kick|bass ?drum|^bd/],
  ['tom', /\b(floor|pearl)?tom|^[fhml]?t\b/],
];

/** Undefined where the name says nothing. */
export function drumOf(name: string): string | undefined {
  const words = name
    .toLowerCase()
    .replace(/[-_.\d]+/g, ' ')
    .trim();
  return CLASSES.find(([, pattern]) => pattern.test(words))?.[0];
}

const [root] = process.argv.slice(2);
if (!root) {
  process.stderr.write('usage: tools/drumkits DIR: the folder with one folder for each drum kit\n');
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
