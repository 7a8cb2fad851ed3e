import { readFileSync, writeFileSync } from 'node:fs';

const fold = JSON.parse(readFileSync('fold.json', 'utf8'));

// An npy file of one dimension: a header that ends in a line feed, then 32-bit integers.
const file = readFileSync('train-labels.npy');
const start = 10 + file.readUInt16LE(8);
const counts = fold.classes.map(() => 0);
for (let i = 0; i < fold.train; i++) counts[file.readInt32LE(start + 4 * i)]++;

const row = counts.map((count) => count / fold.train);
console.log(JSON.stringify({ progress: 0.5 }));

const header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${fold.test}, ${row.length}), }`;
const text = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
const prefix = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length & 255, text.length >> 8]);
const rows = new Float64Array(Array.from({ length: fold.test }, () => row).flat());
writeFileSync(fold.output, Buffer.concat([prefix, Buffer.from(text), Buffer.from(rows.buffer)]));
