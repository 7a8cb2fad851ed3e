"""Prints the source indices of Pillow's NEAREST resize, which Keras's load_img uses by default.

Run with a Python that has Pillow and numpy (made with Pillow 13.0.0):
    python scripts/goldens/nearest.py > packages/features/test/goldens/nearest.json
"""

import json

import numpy as np
from PIL import Image

# Pairs for the paper's image, for other image sizes, and for pictures that sox draws narrower than 800.
PAIRS = [(800, 90), (513, 60), (800, 60), (800, 100), (800, 224), (800, 299), (513, 64), (513, 224), (513, 90)]
PAIRS += [(799, 90), (101, 90), (34, 90), (800, 800), (513, 513), (800, 7), (513, 8)]

rows = []
for source, target in PAIRS:
    ramp = Image.fromarray(np.tile(np.arange(source, dtype=np.int32), (2, 1)))
    sources = np.asarray(ramp.resize((target, 2), Image.NEAREST))[0].tolist()
    rows.append(json.dumps({"source": source, "target": target, "sources": sources}))
print("[" + ",\n".join(rows) + "]")
