"""Writes packages/corpus/test/goldens/wav.json: small WAV files of every encoding that cryfold reads, packed here by
hand, with what scipy.io.wavfile reads from them, mixed down to mono; and broken files with the expected error code.

Needs numpy and scipy (made with numpy 2.4, scipy 1.17). Usage: python scripts/goldens/wav.py
"""

import base64
import io
import json
import pathlib
import struct
import warnings

import numpy as np
from scipy.io import wavfile

OUT = pathlib.Path(__file__).parents[2] / "packages/corpus/test/goldens/wav.json"
SUBTYPE_TAIL = bytes.fromhex("000000001000800000aa00389b71")
rng = np.random.default_rng(0)


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def riff(*chunks: bytes, form=b"WAVE", magic=b"RIFF") -> bytes:
    body = form + b"".join(chunks)
    return magic + struct.pack("<I", len(body)) + body


def fmt(tag, bits, channels, rate=8000, extensible=False) -> bytes:
    align = channels * bits // 8
    head = struct.pack("<HIIHH", channels, rate, rate * align, align, bits)
    if not extensible:
        return chunk(b"fmt ", struct.pack("<H", tag) + head)
    extra = struct.pack("<HHI", 22, bits, 0) + struct.pack("<H", tag) + SUBTYPE_TAIL
    return chunk(b"fmt ", struct.pack("<H", 0xFFFE) + head + extra)


def pack(tag, bits, frames) -> bytes:
    """frames: float64 in [-1, 1)"""
    if tag == 3:
        return frames.astype(f"<f{bits // 8}").tobytes()
    scaled = np.round(frames * 2.0 ** (bits - 1)).clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype("<i8")
    if bits == 8:
        return (scaled + 128).astype("u1").tobytes()
    return scaled.ravel().view("u1").reshape(-1, 8)[:, : bits // 8].tobytes()


def oracle(data: bytes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rate, x = wavfile.read(io.BytesIO(data))
    if x.dtype == np.uint8:
        x = (x.astype(np.float64) - 128) / 128
    elif x.dtype.kind == "i":
        x = x / 2.0 ** (8 * x.dtype.itemsize - 1)  # scipy shifts 24 bits to the top of 32
    x = x.astype(np.float64)
    return rate, 1 if x.ndim == 1 else x.shape[1], x if x.ndim == 1 else x.sum(axis=1) / x.shape[1]


good, bad = {}, {}
for tag, bits in [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)]:
    for channels in (1, 2, 3):
        for extensible in (False, True):
            frames = rng.uniform(-1, 1, (11, channels))
            frames[0], frames[1] = -1, 1 - 2.0**-20
            name = f"{'float' if tag == 3 else 'pcm'}{bits}-{channels}ch{'-extensible' if extensible else ''}"
            good[name] = riff(fmt(tag, bits, channels, 11025, extensible), chunk(b"data", pack(tag, bits, frames)))

three = pack(1, 8, np.array([0.5, -0.5, 0.25]))
pcm8, pcm16 = fmt(1, 8, 1), fmt(1, 16, 1)
ramp = pack(1, 16, np.linspace(-1, 0.9, 9))
good["odd-data-padded"] = riff(pcm8, chunk(b"data", three))
good["odd-data-unpadded"] = riff(pcm8, chunk(b"data", three)[:-1])
good["odd-list-before-data"] = riff(chunk(b"LIST", b"INFOx"), pcm16, chunk(b"LIST", b"abc"), chunk(b"data", ramp))
good["chunks-after-data"] = riff(pcm16, chunk(b"data", ramp), chunk(b"cue ", b"1234"))
good["fact-before-data"] = riff(fmt(3, 32, 1), chunk(b"fact", struct.pack("<I", 9)), chunk(b"data", pack(3, 32, np.linspace(-1, 0.9, 9))))
good["rate-96000"] = riff(fmt(1, 16, 1, 96000), chunk(b"data", ramp))

whole = riff(pcm16, chunk(b"data", ramp))
bad["empty-file"] = (b"", "WAV_INVALID")
bad["text"] = (b"path,label,group\na.wav,x,y\n", "WAV_INVALID")
bad["rifx"] = (b"RIFX" + whole[4:], "WAV_INVALID")
bad["avi"] = (riff(pcm16, form=b"AVI "), "WAV_INVALID")
bad["truncated-data"] = (whole[:-4], "WAV_INVALID")
bad["truncated-header"] = (whole[:30], "WAV_INVALID")
bad["truncated-list"] = (riff(pcm16) + b"LIST" + struct.pack("<I", 1000) + b"abc", "WAV_INVALID")
bad["no-data"] = (riff(pcm16), "WAV_INVALID")
bad["data-before-fmt"] = (riff(chunk(b"data", ramp), pcm16), "WAV_INVALID")
bad["short-fmt"] = (riff(chunk(b"fmt ", b"\1\0\1\0"), chunk(b"data", ramp)), "WAV_INVALID")
bad["short-extensible"] = (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16)), chunk(b"data", ramp)), "WAV_INVALID")
bad["adpcm"] = (riff(fmt(2, 8, 1), chunk(b"data", ramp)), "WAV_INVALID")
bad["float-16-bit"] = (riff(fmt(3, 16, 1), chunk(b"data", ramp)), "WAV_INVALID")
bad["no-channels"] = (riff(fmt(1, 16, 0), chunk(b"data", ramp)), "WAV_INVALID")
bad["rate-zero"] = (riff(fmt(1, 16, 1, 0), chunk(b"data", ramp)), "WAV_INVALID")
bad["wrong-frame-size"] = (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 2, 8000, 16000, 2, 16)), chunk(b"data", ramp)), "WAV_INVALID")
bad["no-samples"] = (riff(pcm16, chunk(b"data", b"")), "WAV_EMPTY")
for value in ("nan", "inf", "-inf"):
    frames = np.zeros(5)
    frames[3] = float(value)
    bad[f"float-{value}"] = (riff(fmt(3, 32, 1), chunk(b"data", pack(3, 32, frames))), "WAV_NOT_FINITE")
bad["float64-sum-overflows"] = (riff(fmt(3, 64, 2), chunk(b"data", np.full((4, 2), 1.7e308).tobytes())), "WAV_NOT_FINITE")

result = {"good": {}, "bad": {}}
for name, data in good.items():
    rate, channels, samples = oracle(data)
    result["good"][name] = {
        "wav": base64.b64encode(data).decode(),
        "rate": rate,
        "channels": channels,
        "samples": samples.tolist(),
    }
for name, (data, code) in bad.items():
    result["bad"][name] = {"wav": base64.b64encode(data).decode(), "code": code}
OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(result, indent=1) + "\n")
print(f"{OUT.name}: {len(good)} good, {len(bad)} bad, {OUT.stat().st_size} bytes")
