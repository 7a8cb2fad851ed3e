"""Writes goldens for training on mixed examples and unequal classes: Keras's losses against soft targets, and
scikit-learn's class weights.

usage: python scripts/goldens/augment.py      (pip install tensorflow-cpu==2.21.0 keras==3.15.0 scikit-learn==1.9.1)
Writes packages/nn/test/goldens/augment.json. Examples and weights come from `uniform` and `initial` of nn.py, which the
tests repeat in TypeScript (packages/nn/test/generator.ts). Keras computes in float64.
"""

import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf
from sklearn.utils.class_weight import compute_class_weight

HERE = pathlib.Path(__file__).resolve()
OUT = HERE.parents[2] / "packages/nn/test/goldens/augment.json"
EXAMPLES, COLUMNS, HIDDEN, CLASSES, STEPS, RATE = 8, 6, 7, 5, 10, 1e-2
keras.config.set_floatx("float64")

# nn.py writes its own goldens when it is imported, so use only its functions.
source = (HERE.parent / "nn.py").read_text()
functions = source[source.index("def uniform") : source.index("def images")]
functions += source[source.index("def figures") : source.index("def all_of")]
exec(functions)


def soft_targets():
    x = uniform("x", EXAMPLES * COLUMNS).astype(np.float32).reshape(EXAMPLES, COLUMNS).astype(np.float64)
    shares = (0.5 + 0.5 * uniform("shares", EXAMPLES)).astype(np.float32).astype(np.float64)
    labels = np.arange(EXAMPLES) % CLASSES
    partners = (3 * np.arange(EXAMPLES) + 1) % EXAMPLES
    one_hot = np.eye(CLASSES)[labels]
    mixed = shares[:, None] * x + (1 - shares[:, None]) * x[partners]
    targets = shares[:, None] * one_hot + (1 - shares[:, None]) * one_hot[partners]
    model = keras.Sequential(
        [
            keras.layers.Input((COLUMNS,)),
            keras.layers.Dense(HIDDEN, activation="relu", name="dense"),
            keras.layers.Dense(CLASSES, name="dense_1"),
        ]
    )
    names = [f"{layer.name}/{v.name}" for layer in model.layers for v in layer.weights]
    for name, variable in zip(names, model.weights):
        variable.assign(initial(name, variable.shape))
    criterion = keras.losses.CategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(RATE)
    losses, first = [], None
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            loss = criterion(targets, model(mixed, training=True))
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
        first = first or {name: figures(g) for name, g in zip(names, gradients)}
        optimizer.apply(gradients, model.trainable_variables)
        losses.append(float(f"{float(loss):.7g}"))
    return {"rate": RATE, "losses": losses, "gradients": first}


def class_weights(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    present = np.unique(labels)
    weights = np.zeros(len(counts))
    weights[present] = compute_class_weight("balanced", classes=present, y=labels)
    return {"counts": counts, "weights": [float(f"{w:.7g}") for w in weights]}


golden = {
    "softTargets": soft_targets(),
    "classWeights": [class_weights(counts) for counts in ([5, 5], [1, 9, 30], [384, 3, 8, 27, 35], [4, 0, 12])],
}
OUT.write_text(json.dumps(golden, separators=(",", ":")).replace('],"', '],\n"') + "\n")
print(golden["softTargets"]["losses"], golden["classWeights"])
