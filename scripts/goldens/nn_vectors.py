"""Writes goldens for packages/nn: Keras's results for networks that read vectors, with or without images; see nn.py.

usage: python scripts/goldens/nn_vectors.py      (pip install tensorflow-cpu==2.21.0 keras==3.15.0)
Writes packages/nn/test/goldens/{dense,two-branch}.json.
"""

import numpy as np
from nn import CLASSES, golden, images, keras, uniform

COLUMNS = 10


def vectors(count):
    return (4 * uniform("vectors", count * COLUMNS) - 2).astype(np.float32).reshape(count, COLUMNS)


def standardization(x):
    layer = keras.layers.BatchNormalization(epsilon=0, center=False, scale=False, name="standardization")
    layer.trainable = False
    return layer(x)


def dense(x, units, prefix=""):
    for i, count in enumerate(units):
        name = f"{prefix}dense" if i == 0 else f"{prefix}dense_{i}"
        x = keras.layers.Dense(count, activation="relu", name=name)(x)
    return x


def dense_network():
    keras.backend.clear_session()
    x = keras.layers.Input((COLUMNS,))
    y = dense(standardization(x), (20, 12))
    return keras.Model(x, keras.layers.Dense(CLASSES, name="dense_2")(y))


def two_branch(height, width):
    keras.backend.clear_session()
    image, vector = keras.layers.Input((height, width, 3)), keras.layers.Input((COLUMNS,))
    x = keras.layers.Rescaling(1 / 255)(image)
    for i, filters in enumerate((8, 12, 16)):
        name = "conv2d" if i == 0 else f"conv2d_{i}"
        x = keras.layers.MaxPooling2D(2)(keras.layers.Conv2D(filters, 3, activation="relu", name=name)(x))
    x = dense(keras.layers.Flatten()(x), (14,), "image_")
    y = dense(standardization(vector), (9, 7), "vector_")
    z = dense(keras.layers.Concatenate()([x, y]), (11,))
    return keras.Model([image, vector], keras.layers.Dense(CLASSES, name="dense_1")(z))


if __name__ == "__main__":
    golden("dense", dense_network(), vectors(8), rate=1e-3)
    golden("two-branch", two_branch(26, 34), [images(8, 26, 34), vectors(8)], rate=1e-3)
