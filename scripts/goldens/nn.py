"""Goldens for packages/nn: what Keras 3 on TensorFlow makes of given weights and images.

usage: python scripts/goldens/nn.py      (pip install tensorflow-cpu==2.21.0 keras==3.15.0)
Writes packages/nn/test/goldens/{small-cnn,resnet50}.json: logits, losses, gradients, BatchNormalization statistics,
and the weights after ten steps of each optimiser. Weights and images come from `uniform`, which the tests repeat in
TypeScript (packages/nn/test/generator.ts), so that only figures of the results are stored: of each tensor its L2 norm
and eight of its elements. Keras computes in float64, so that a difference is the rounding of our float32 alone.
"""

import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages/nn/test/goldens"
CLASSES = 5
keras.config.set_floatx("float64")
STEPS = 10


def uniform(name, count):
    """float64 [count] in [0, 1): FNV-1a of the name, then one round of murmur3's finaliser per index."""
    salt = 2166136261
    for byte in name.encode():
        salt = (salt ^ byte) * 16777619 % 2**32
    h = np.arange(count, dtype=np.uint32) * np.uint32(2654435769) + np.uint32(salt)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(2246822507)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(3266489909)
    return (h ^ (h >> np.uint32(16))).astype(np.float64) / 2**32


def initial(name, shape):
    u = uniform(name, int(np.prod(shape)))
    kind = name.split("/")[-1]
    if kind == "kernel":
        limit = np.sqrt(6 / (np.prod(shape[:-2]) * (shape[-2] + shape[-1])))
        values = (2 * u - 1) * limit
    elif kind == "gamma":
        values = 0.2 + 0.1 * u
    elif kind == "beta":
        # Far from ReLU's kink, one channel in three below it: else rounding moves an activation in a million across
        # the kink, and gradients of equal programs differ by up to 2 %.
        values = np.where(np.arange(u.size) % 3 == 0, -1, 1) * (0.7 + 0.2 * u)
    elif kind == "moving_variance":
        values = 0.5 + u
    else:
        values = 0.2 * u - 0.1
    return values.astype(np.float32).reshape(shape)


def images(count, height, width):
    """Triangle waves of a direction and colour of their own: with noise, batch statistics would be ill-conditioned."""
    y, x = np.arange(height)[None, :, None, None], np.arange(width)[None, None, :, None]
    p, q, r = (np.floor(uniform(k, count) * 24)[:, None, None, None] for k in "pqr")
    wave = (p * y + q * x + r * 10 + (p + 2 * q + 3 * r) * np.arange(3)) % 256
    return np.where(wave < 128, 2 * wave, 511 - 2 * wave).astype(np.float32)


def figures(values):
    """The norm, and eight elements at places spread over the tensor."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    places = [(2 * k + 1) * flat.size // 16 for k in range(8)]
    return [float(f"{x:.7g}") for x in [np.linalg.norm(flat), *flat[places]]]


def all_of(values):
    return [float(f"{x:.7g}") for x in np.asarray(values, dtype=np.float64).ravel()]


def name_of(layer, variable):
    return f"{layer.name}/{variable.name}"


def weights(model):
    return {name_of(layer, v): v for layer in model.layers for v in layer.weights if "seed" not in v.name}


def reset(model):
    for name, variable in weights(model).items():
        variable.assign(initial(name, variable.shape))


def small_cnn(height, width):
    keras.backend.clear_session()
    layers = [keras.layers.Input((height, width, 3)), keras.layers.Rescaling(1 / 255)]
    for filters in (8, 12, 16):
        layers += [keras.layers.Conv2D(filters, 3, activation="relu"), keras.layers.MaxPooling2D(2)]
    layers += [keras.layers.Flatten(), keras.layers.Dense(20, activation="relu"), keras.layers.Dense(CLASSES)]
    return keras.Sequential(layers)


def resnet50(height, width):
    keras.backend.clear_session()

    def without_bias(layer):
        config = layer.get_config()
        if isinstance(layer, keras.layers.Conv2D):
            config["use_bias"] = False
        return layer.__class__.from_config(config)

    published = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(height, width, 3))
    backbone = keras.models.clone_model(published, clone_function=without_bias)
    x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(backbone.output)
    x = keras.layers.Dense(24, activation="relu", name="dense")(x)
    return keras.Model(backbone.input, keras.layers.Dense(CLASSES, name="dense_1")(x))


def golden(file, model, x, rate):
    # Of several inputs, the first one.
    first = x[0] if isinstance(x, list) else x
    labels = np.arange(len(first)) % CLASSES
    criterion = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def slopes():
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = criterion(labels, logits)
        return logits, loss, tape.gradient(loss, [v.value for v in model.trainable_variables])

    reset(model)
    before = {name: v.numpy() for name, v in weights(model).items()}
    out = {"shape": list(first.shape), "rate": rate, "inference": all_of(model(x, training=False))}
    logits, loss, gradients = slopes()
    names = {id(v): name for name, v in weights(model).items()}
    out["training"] = all_of(logits)
    out["loss"] = float(loss)
    out["gradients"] = {names[id(v)]: figures(g) for v, g in zip(model.trainable_variables, gradients)}
    # moving = .99 * moving + .01 * batch, so this is the batch's statistic
    out["statistics"] = {
        name: figures((v.numpy().astype(np.float64) - 0.99 * before[name]) / 0.01)
        for name, v in weights(model).items()
        if "moving" in name
    }
    optimizers = {
        "adam": keras.optimizers.Adam(rate),
        "adamw": keras.optimizers.AdamW(rate, weight_decay=0.1),
        "sgd": keras.optimizers.SGD(10 * rate, momentum=0.9),
    }
    out["optimizers"] = {}
    for kind, optimizer in optimizers.items():
        reset(model)
        losses = []
        for _ in range(STEPS):
            _, loss, gradients = slopes()
            optimizer.apply(gradients, model.trainable_variables)
            losses.append(float(loss))
        change = {name: figures(v.numpy().astype(np.float64) - before[name]) for name, v in weights(model).items()}
        out["optimizers"][kind] = {"losses": losses, "change": change}
        if file == "resnet50":
            break  # the other optimisers are checked on the small network: the file stays small
    text = json.dumps(out, separators=(",", ":"))
    (OUT / f"{file}.json").write_text(text.replace('],"', '],\n"') + "\n")
    print(file, out["loss"], out["optimizers"]["adam"]["losses"], len(text))


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    golden("small-cnn", small_cnn(26, 34), images(8, 26, 34), 1e-3)
    golden("resnet50", resnet50(40, 48), keras.applications.resnet50.preprocess_input(images(8, 40, 48)), 1e-4)
