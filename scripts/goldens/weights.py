"""Writes goldens for packages/nn: a weights file in the layout of keras.applications, and what Keras computes with it.

usage: python scripts/goldens/weights.py && npx biome check --write packages/nn/test/goldens/keras-weights.json
Needs: pip install tensorflow-cpu==2.21.0 keras==3.15.0 h5py
Writes packages/nn/test/goldens/keras-saved.h5, a depthwise and a 1x1 convolution as `save` writes them, and
keras-weights.{h5,json}: a 2x2 convolution with bias and its BatchNormalization under
ResNet50's names, an input, and the output. The public saver puts the layer groups below `model_weights`; the published
files have them at the root, so they are copied there.
"""

import json
import os
import pathlib
import shutil
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import h5py
import keras
import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages/nn/test/goldens"

generator = np.random.default_rng(0)
model = keras.Sequential(
    [
        keras.Input((3, 4, 2)),
        keras.layers.Conv2D(3, 2, name="conv1_conv"),
        keras.layers.BatchNormalization(epsilon=1.001e-5, name="conv1_bn"),
        keras.layers.Activation("relu", name="conv1_relu"),
    ]
)
for weight in model.weights:
    weight.assign(generator.uniform(0.1, 1, weight.shape))

with tempfile.TemporaryDirectory() as folder:
    whole = pathlib.Path(folder, "model.h5")
    model.save(whole)
    with h5py.File(whole) as source, h5py.File(OUT / "keras-weights.h5", "w") as target:
        saved = source["model_weights"]
        for key, value in saved.attrs.items():
            target.attrs[key] = value
        for layer in saved.attrs["layer_names"]:
            saved.copy(layer, target)

x = generator.uniform(-1, 1, (1, 3, 4, 2)).astype("float32")
golden = {"input": x.ravel().tolist(), "output": model(x).numpy().ravel().tolist()}
(OUT / "keras-weights.json").write_text(json.dumps(golden) + "\n")

model = keras.Sequential(
    [
        keras.Input((3, 4, 2)),
        keras.layers.DepthwiseConv2D(3, use_bias=False, name="block_1_depthwise"),
        keras.layers.Conv2D(3, 1, use_bias=False, name="block_1_project"),
        keras.layers.Dense(2, name="predictions"),
    ]
)
for layer in model.layers:
    for weight in layer.weights:
        weight.assign(np.arange(np.prod(weight.shape), dtype="float32").reshape(weight.shape))
with tempfile.TemporaryDirectory() as folder:
    whole = pathlib.Path(folder, "model.h5")
    model.save(whole)
    shutil.copy(whole, OUT / "keras-saved.h5")
