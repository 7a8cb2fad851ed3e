#!/usr/bin/env python3
"""Writes packages/features/test/goldens/librosa.json: MFCC, log-mel levels, deltas, functionals and YIN by librosa.

Needs librosa (made with 0.11.0, numpy 2.4.6, scipy 1.17.1). Run from anywhere: python3 scripts/goldens/librosa_features.py
librosa computes in float64 here. packages/features/test/librosa.test.ts contains a copy of sound().
"""

import json
import pathlib

import librosa
import numpy as np
from librosa.core import pitch

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages/features/test/goldens/librosa.json"


def sound(samples, rate):
    """A gliding tone with vibrato and harmonics over noise; digital silence from 45 to 55 % of it."""
    t = np.arange(samples) / rate
    phase = 2 * np.pi * (300 * t + 150 * t * t) + 3 * np.sin(2 * np.pi * 6 * t)
    y = sum(np.sin(k * phase) / k for k in range(1, 7)) * 0.25
    x, noise = samples, []
    for _ in range(samples):
        x = (1664525 * x + 1013904223) % 2**32
        noise.append(x / 2**31 - 1)
    y = y + 1e-2 * np.array(noise)
    y[int(0.45 * samples) : int(0.55 * samples)] = 0
    return y


def functionals(matrix, names):
    """Returns each functional of all rows, one functional after the other."""
    by_name = {"mean": np.mean, "sd": np.std, "min": np.min, "max": np.max, "range": np.ptp}
    parts = []
    for name in names:
        if name in by_name:
            parts.append(np.atleast_1d(by_name[name](matrix, axis=-1)))
        else:
            parts.append(np.atleast_1d(np.percentile(matrix, int(name[1:]), axis=-1)))
    return np.concatenate(parts)


def listed(array, digits):
    return np.round(array, digits).tolist()


NAMES = ["mean", "sd", "min", "max", "range", "p0", "p10", "p50", "p90", "p99"]
CASES = [
    # librosa's defaults in milliseconds, then others; hop and frame are rounded to samples as in cryfold.
    (22050, 11025, {"frameMs": 92.88, "hopMs": 23.22, "melBands": 128, "coefficients": 20, "topDb": 80}),
    (8000, 6400, {"frameMs": 32, "hopMs": 10, "melBands": 40, "coefficients": 20, "topDb": 80}),
    (16000, 8000, {"frameMs": 25, "hopMs": 10, "melBands": 64, "coefficients": 13, "fmin": 50, "fmax": 7000, "topDb": 60}),
    (44100, 9001, {"frameMs": 20, "hopMs": 7, "melBands": 26, "coefficients": 26, "topDb": 300}),
]


def mel_case(rate, samples, p):
    y = sound(samples, rate)
    win = int(np.floor(p["frameMs"] * rate / 1000 + 0.5))
    hop = int(np.floor(p["hopMs"] * rate / 1000 + 0.5))
    power = librosa.feature.melspectrogram(
        y=y,
        sr=rate,
        n_fft=2 ** int(np.ceil(np.log2(win))),
        win_length=win,
        hop_length=hop,
        n_mels=p["melBands"],
        fmin=p.get("fmin", 0),
        fmax=p.get("fmax"),
    )
    levels = librosa.power_to_db(power, top_db=p["topDb"])
    mfcc = librosa.feature.mfcc(S=levels, n_mfcc=p["coefficients"])
    deltas = [librosa.feature.delta(mfcc, order=order) for order in (1, 2)]
    return {
        "rate": rate,
        "samples": samples,
        "parameters": p,
        "levels": listed(levels[::5], 5),
        "mfcc": listed(mfcc, 5),
        "deltas": [listed(d[:4], 6) for d in deltas],
        "functionals": listed(functionals(np.concatenate([mfcc, *deltas]), NAMES), 5),
        "levelFunctionals": listed(functionals(levels, NAMES), 5),
    }


PITCH_CASES = [
    (8000, 8000, {"frameMs": 64, "hopMs": 10, "fmin": 65, "fmax": 2000, "threshold": 0.1}),
    (16000, 12000, {"frameMs": 40, "hopMs": 7, "fmin": 100, "fmax": 1000, "threshold": 0.2}),
    # An odd frame of 1411 samples
    (44100, 30001, {"frameMs": 31.995, "hopMs": 11.11, "fmin": 80, "fmax": 3000, "threshold": 0.05}),
]


def pitch_case(rate, samples, p):
    y = sound(samples, rate)
    frame = int(np.floor(p["frameMs"] * rate / 1000 + 0.5))
    hop = int(np.floor(p["hopMs"] * rate / 1000 + 0.5))
    options = {"fmin": p["fmin"], "fmax": p["fmax"], "sr": rate, "frame_length": frame, "hop_length": hop}
    f0 = librosa.yin(y, trough_threshold=p["threshold"], **options)
    frames = librosa.util.frame(np.pad(y, frame // 2), frame_length=frame, hop_length=hop)
    least, most = int(np.floor(rate / p["fmax"])), int(np.ceil(rate / p["fmin"]))
    difference = pitch._cumulative_mean_normalized_difference(frames, least, most)
    dips = librosa.util.localmin(difference, axis=0)
    dips[0] = difference[0] < difference[1]
    voiced = (dips & (difference < p["threshold"])).any(axis=0)
    # If no dip of a frame is below the threshold, the deepest one counts, whatever the threshold is.
    assert (librosa.yin(y, trough_threshold=0, **options) == f0)[~voiced].all()
    heard = f0[voiced]
    return {
        "rate": rate,
        "samples": samples,
        "parameters": p,
        "frequency": listed(f0, 6),
        "voiced": voiced.astype(int).tolist(),
        "functionals": listed(np.append(functionals(heard, NAMES), voiced.mean()), 6),
    }


golden = {
    "versions": {"librosa": librosa.__version__, "numpy": np.__version__},
    "names": NAMES,
    "mel": [mel_case(*case) for case in CASES],
    "pitch": [pitch_case(*case) for case in PITCH_CASES],
}
OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
