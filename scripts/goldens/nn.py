"""Writes goldens for packages/nn: what Keras 3 on TensorFlow computes from given weights and images.

usage: python scripts/goldens/nn.py [NAME ...]      (pip install tensorflow-cpu==2.21.0 keras==3.15.0)
Writes packages/nn/test/goldens/NAME.json, by default for all networks: logits, losses, gradients, BatchNormalization statistics,
and the weights after some steps of each optimiser. Weights and images come from `uniform`, which the tests repeat in
TypeScript (packages/nn/test/generator.ts), so only figures of the results are stored: for each tensor its L2 norm and
eight of its elements. Keras computes in float64, so all differences are due to the rounding of our float32.
"""

import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages/nn/test/goldens"
CLASSES = 5
keras.config.set_floatx("float64")


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
    elif kind == "depthwise_kernel":
        values = (2 * u - 1) * np.sqrt(6 / (2 * np.prod(shape[:-2])))
    elif kind == "gamma":
        values = 0.2 + 0.1 * u
    elif kind == "beta":
        # Far from ReLU's kink, with one channel in three below it. Otherwise, rounding moves one activation in a
        # million across the kink, and gradients of equal programs differ by up to 2 %.
        values = np.where(np.arange(u.size) % 3 == 0, -1, 1) * (0.7 + 0.2 * u)
    elif kind == "moving_variance":
        values = 0.5 + u
    else:
        values = 0.2 * u - 0.1
    return values.astype(np.float32).reshape(shape)


def images(count, height, width):
    """Returns triangle waves, each with its own direction and colour: noise has ill-conditioned batch statistics."""
    y, x = np.arange(height)[None, :, None, None], np.arange(width)[None, None, :, None]
    p, q, r = (np.floor(uniform(k, count) * 24)[:, None, None, None] for k in "pqr")
    wave = (p * y + q * x + r * 10 + (p + 2 * q + 3 * r) * np.arange(3)) % 256
    return np.where(wave < 128, 2 * wave, 511 - 2 * wave).astype(np.float32)


def figures(values, count=8):
    """Returns the norm, and elements from positions spread over the tensor."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    places = [(2 * k + 1) * flat.size // (2 * count) for k in range(count)]
    return [float(f"{x:.7g}") for x in [np.linalg.norm(flat), *flat[places]]]


def all_of(values):
    return [float(f"{x:.7g}") for x in np.asarray(values, dtype=np.float64).ravel()]


def name_of(layer, variable):
    # The name in Keras 2 and its published files.
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return f"{layer.name}/{'depthwise_' if depthwise else ''}{variable.name}"


def weights(model):
    trained = [layer for layer in model.layers if not isinstance(layer, keras.layers.Normalization)]
    return {name_of(layer, v): v for layer in trained for v in layer.weights if "seed" not in v.name}


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


def with_head(backbone):
    x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(backbone.outputs[0])
    x = keras.layers.Dense(24, activation="relu", name="dense")(x)
    return keras.Model(backbone.inputs[0], keras.layers.Dense(CLASSES, name="dense_1")(x))


def residual(published):
    def without_bias(layer):
        config = layer.get_config()
        if isinstance(layer, keras.layers.Conv2D):
            config["use_bias"] = False
        return layer.__class__.from_config(config)

    return with_head(keras.models.clone_model(published, clone_function=without_bias))


def application(build):
    def make(height, width):
        keras.backend.clear_session()
        return residual(build(weights=None, include_top=False, input_shape=(height, width, 3)))

    return make


def basic_residual(blocks):
    """ResNet18 and 34 of He et al. (2015), table 1, which Keras lacks."""

    def make(height, width):
        keras.backend.clear_session()
        layer = keras.layers

        def convolution(x, name, filters, size, stride):
            x = layer.Conv2D(filters, size, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
            return layer.BatchNormalization(epsilon=1.001e-5, name=f"{name}_bn")(x)

        inputs = layer.Input((height, width, 3))
        x = layer.ZeroPadding2D(3)(inputs)
        x = layer.Conv2D(64, 7, 2, use_bias=False, name="conv1_conv")(x)
        x = layer.ReLU()(layer.BatchNormalization(epsilon=1.001e-5, name="conv1_bn")(x))
        x = layer.MaxPooling2D(3, 2)(layer.ZeroPadding2D(1)(x))
        for stage, (filters, count) in enumerate(zip((64, 128, 256, 512), blocks)):
            for block in range(count):
                name = f"conv{stage + 2}_block{block + 1}"
                stride = 2 if stage > 0 and block == 0 else 1
                shortcut = convolution(x, f"{name}_0", filters, 1, stride) if stride == 2 else x
                y = layer.ReLU()(convolution(x, f"{name}_1", filters, 3, stride))
                x = layer.ReLU()(layer.Add()([shortcut, convolution(y, f"{name}_2", filters, 3, 1)]))
        return with_head(keras.Model(inputs, x))

    return make


def mobilenet_v2(height, width):
    keras.backend.clear_session()
    shape = (height, width, 3)
    return with_head(keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=shape))


def efficientnet_b0(height, width):
    """Builds it without stochastic depth, whose random numbers differ from ours; no public argument disables it."""
    keras.backend.clear_session()
    build = sys.modules["keras.src.applications.efficientnet"].EfficientNet
    shape = (height, width, 3)
    settings = {"drop_connect_rate": 0.0, "weights": None, "include_top": False, "input_shape": shape}
    return with_head(build(1.0, 1.0, 224, 0.2, name="efficientnetb0", **settings))


def imagenet(x):
    """Returns the input from which EfficientNet's own Rescaling layer computes standardised colours."""
    return 255 * (x / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])


def vgg_audio(height, width):
    keras.backend.clear_session()
    layers = [keras.layers.Input((height, width, 3)), keras.layers.Rescaling(1 / 127.5, -1)]
    for group, convolutions in enumerate(([64], [128], [256, 256], [512, 512]), 1):
        for i, filters in enumerate(convolutions, 1):
            name = f"conv{group}" if len(convolutions) == 1 else f"conv{group}_{i}"
            layers.append(keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name))
        layers.append(keras.layers.MaxPooling2D(2))
    return with_head(keras.Sequential(layers))


@keras.saving.register_keras_serializable()
class Routing(keras.layers.Layer):
    """Sabour et al. (2017), procedure 1, loop by loop."""

    def build(self, shape):
        kernel = (shape[1], CLASSES, shape[2], 16)
        self.kernel = self.add_weight(name="kernel", shape=kernel)

    def call(self, u):
        predictions = tf.einsum("bid,ijde->bije", u, self.kernel)
        logits = tf.zeros_like(predictions[..., 0])
        for iteration in range(3):
            coupling = tf.nn.softmax(logits, axis=2)
            v = squash(tf.reduce_sum(coupling[..., None] * predictions, axis=1))
            logits += tf.reduce_sum(predictions * v[:, None], axis=3)
        return tf.sqrt(tf.reduce_sum(v**2, axis=2) + 1e-7)


def squash(s):
    square = tf.reduce_sum(s**2, axis=-1, keepdims=True)
    return s * tf.sqrt(square + 1e-7) / (1 + square)


@keras.saving.register_keras_serializable()
class Squash(keras.layers.Layer):
    def call(self, x):
        return squash(tf.reshape(x, (-1, x.shape[1] * x.shape[2] * x.shape[3] // 8, 8)))


def capsule(height, width):
    keras.backend.clear_session()
    return keras.Sequential(
        [
            keras.layers.Input((height, width, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(12, 9, 2, activation="relu", name="conv1"),
            keras.layers.Conv2D(16, 9, 2, name="primary_conv"),
            Squash(name="primary_capsules"),
            Routing(name="class_capsules"),
        ]
    )


def margin_loss(labels, lengths):
    """Sabour et al. (2017), equation 4."""
    present = tf.one_hot(labels, CLASSES, dtype=lengths.dtype)
    losses = present * tf.nn.relu(0.9 - lengths) ** 2 + 0.5 * (1 - present) * tf.nn.relu(lengths - 0.1) ** 2
    return tf.reduce_mean(tf.reduce_sum(losses, axis=1))


CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def golden(name, model, x, *, rate, steps=10, optimizers=("adam",), places=8, criterion=CROSS_ENTROPY):
    # If there are several inputs, the first one.
    first = x[0] if isinstance(x, list) else x
    labels = np.arange(len(first)) % CLASSES

    @tf.function
    def slopes():
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = criterion(labels, logits)
        return logits, loss, tape.gradient(loss, [v.value for v in model.trainable_variables])

    reset(model)
    before = {name: v.numpy() for name, v in weights(model).items()}
    momenta = {layer.name: layer.momentum for layer in model.layers if hasattr(layer, "momentum")}
    out = {"shape": list(first.shape), "rate": rate, "inference": all_of(model(x, training=False))}
    logits, loss, gradients = slopes()
    names = {id(v): name for name, v in weights(model).items()}
    out["training"] = all_of(logits)
    out["loss"] = float(loss)
    out["gradients"] = {names[id(v)]: figures(g, places) for v, g in zip(model.trainable_variables, gradients)}
    # moving = momentum * moving + (1 - momentum) * batch, so this is the batch's statistic
    out["statistics"] = {
        name: figures((v.numpy().astype(np.float64) - share * before[name]) / (1 - share), places)
        for name, v in weights(model).items()
        if "moving" in name
        for share in [momenta[name.split("/")[0]]]
    }
    makers = {
        "adam": lambda: keras.optimizers.Adam(rate),
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=0.1),
        "sgd": lambda: keras.optimizers.SGD(10 * rate, momentum=0.9),
    }
    out["optimizers"] = {}
    for kind in optimizers:
        optimizer = makers[kind]()
        reset(model)
        losses = []
        for _ in range(steps):
            _, loss, gradients = slopes()
            optimizer.apply(gradients, model.trainable_variables)
            losses.append(float(loss))
        change = {
            name: figures(v.numpy().astype(np.float64) - before[name], places) for name, v in weights(model).items()
        }
        out["optimizers"][kind] = {"losses": losses, "change": change}
    text = json.dumps(out, separators=(",", ":"))
    (OUT / f"{name}.json").write_text(text.replace('],"', '],\n"') + "\n")
    print(name, out["loss"], out["optimizers"]["adam"]["losses"], len(text))


def residual_golden(make, **options):
    preprocess = keras.applications.resnet50.preprocess_input
    return lambda name: golden(name, make(40, 48), preprocess(images(8, 40, 48)), rate=1e-4, **options)


SHORT = {"steps": 3, "places": 2}
applications = keras.applications
GOLDENS = {
    "small-cnn": lambda name: golden(
        name, small_cnn(26, 34), images(8, 26, 34), rate=1e-3, optimizers=("adam", "adamw", "sgd")
    ),
    "resnet50": residual_golden(application(applications.ResNet50)),
    "resnet18": residual_golden(basic_residual((2, 2, 2, 2)), **SHORT),
    "resnet34": residual_golden(basic_residual((3, 4, 6, 3)), **SHORT),
    "resnet101": residual_golden(application(applications.ResNet101), **SHORT),
    "resnet152": residual_golden(application(applications.ResNet152), **SHORT),
    "mobilenet-v2": lambda name: golden(
        name, mobilenet_v2(39, 48), images(8, 39, 48) / 127.5 - 1, rate=1e-4, **SHORT
    ),
    "efficientnet-b0": lambda name: golden(
        name, efficientnet_b0(39, 48), imagenet(images(8, 39, 48).astype(np.float64)), rate=1e-4, **SHORT
    ),
    "vgg-audio": lambda name: golden(name, vgg_audio(26, 34), images(8, 26, 34), rate=1e-4, **SHORT),
    "capsule": lambda name: golden(
        name, capsule(29, 34), images(8, 29, 34), rate=1e-3, criterion=margin_loss, **SHORT
    ),
}

if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or GOLDENS:
        GOLDENS[name](name)
