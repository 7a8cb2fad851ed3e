"""Writes test/goldens/tones-mp3.json: the tones of test/src/public-corpora.ts (tone N: seed N, 1.5 s at 8 kHz, of 300 Hz
if N is even, else of 900 Hz) as MP3 files in base64, since neither sox nor npm has a well-kept encoder.

Needs lameenc (made with 1.9.0) and a build of the tests. Usage: python scripts/goldens/mp3.py
"""

import base64
import json
import pathlib
import subprocess

import lameenc

ROOT = pathlib.Path(__file__).parents[2]
TONES = """
import { tone } from './test/dist/src/public-corpora.js';
const pcm = (samples) => Buffer.from(Int16Array.from(samples, (x) => Math.max(-32768, Math.min(32767, Math.round(x * 32768)))).buffer);
const tones = Array.from({ length: 12 }, (_, n) => pcm(tone(n % 2 ? 900 : 300, n, 1.5)).toString('base64'));
console.log(JSON.stringify(tones));
"""


def encode(pcm: bytes) -> str:
    encoder = lameenc.Encoder()
    encoder.set_in_sample_rate(8000)
    encoder.set_channels(1)
    encoder.set_bit_rate(16)
    encoder.set_quality(2)
    encoder.silence()
    return base64.b64encode(bytes(encoder.encode(pcm)) + bytes(encoder.flush())).decode()


node = ["node", "--input-type=module", "-e", TONES]
tones = json.loads(subprocess.run(node, cwd=ROOT, check=True, capture_output=True).stdout)
files = [encode(base64.b64decode(tone)) for tone in tones]
(ROOT / "test/goldens/tones-mp3.json").write_text(json.dumps(files, indent=1) + "\n")
