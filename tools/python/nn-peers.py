"""Keras's side of `scripts/bench nn`: reads one JSON request per line from stdin, and writes the seconds to stdout.

Argument: threads. Requests: {"what": "train" | "infer" | "fold", "model": "resnet50" | "small-cnn", "steps": N}. `train`
and `infer` process N batches of 50 images of 60 x 90 with a model that is kept in memory. Like the first fold of a new
process, `fold` builds a model, trains it on 200 images for one epoch, and predicts 50 images.
"""

import json
import os
import sys
import time

threads = sys.argv[1]
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_NUM_INTRAOP_THREADS=threads, TF_NUM_INTEROP_THREADS="1")
import keras
import numpy as np
import tensorflow as tf

layers = keras.layers
images = np.random.default_rng(0).integers(0, 256, (250, 60, 90, 3)).astype(np.float32)
labels = np.arange(250) % 5


def build(kind):
    if kind == "small-cnn":
        parts = [layers.Input((60, 90, 3)), layers.Rescaling(1 / 255)]
        for filters in (32, 64, 128):
            parts += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2)]
        parts += [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(5, activation="softmax")]
        model = keras.Sequential(parts)
    else:
        backbone = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(60, 90, 3))
        x = layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(backbone.output))
        for units in (256, 128, 64):
            x = layers.Dense(units, activation="relu")(x)
        model = keras.Model(backbone.input, layers.Dense(5, activation="softmax")(x))
    model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


models, predictors = {}, {}


def prepare(kind):
    if kind not in models:
        models[kind] = model = build(kind)
        predictors[kind] = tf.function(lambda x: model(x, training=False))


def do(what, model, steps):
    if what == "fold":
        fresh = build(model)
        fresh.fit(images[:200], labels[:200], batch_size=50, epochs=1, verbose=0)
        fresh.predict(images[200:], batch_size=50, verbose=0)
    for _ in range(steps):
        if what == "train":
            models[model].train_on_batch(images[:50], labels[:50])
        else:
            predictors[model](images[:50]).numpy()


print("ready", flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if request["what"] != "fold":
        prepare(request["model"])
    start = time.perf_counter()
    do(**request)
    print(time.perf_counter() - start, flush=True)
