"""Runs the paper's evaluation as a user might write it, with sox, Keras and scikit-learn in one process.

usage: job-peer.py FOLDER          FOLDER/CLASS/*.wav, clips of one second
Prints the four models' accuracies as JSON on the last line.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np
from keras import layers
from PIL import Image
from sklearn.model_selection import KFold
from sklearn.svm import SVC

SIZE, BATCH, RATE = (60, 90), 50, 1e-4


def spectrogram(path, folder):
    picture = str(Path(folder, "picture.png"))
    subprocess.run(["sox", str(path), "-n", "trim", "0", "1", "spectrogram", "-r", "-o", picture], check=True)
    with Image.open(picture) as image:
        return np.asarray(image.convert("RGB").resize(SIZE[::-1], Image.NEAREST))


def small_cnn(classes):
    parts = [layers.Input((*SIZE, 3)), layers.Rescaling(1 / 255)]
    for filters in (32, 64, 128):
        parts += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D()]
    parts += [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(classes, activation="softmax")]
    return keras.Sequential(parts)


def resnet50(classes):
    inputs = layers.Input((*SIZE, 3))
    x = keras.applications.resnet50.preprocess_input(inputs)
    x = keras.applications.ResNet50(include_top=False, weights=None, pooling="avg", input_shape=(*SIZE, 3))(x)
    x = layers.Dropout(0.25)(x)
    for width in (256, 128, 64):
        x = layers.Dense(width, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


def trained(build, epochs, train, test, images, labels):
    keras.backend.clear_session()
    model = build(int(labels.max()) + 1)
    model.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy")
    model.fit(images[train], labels[train], batch_size=BATCH, epochs=epochs, verbose=0)
    return model.predict(images[test], verbose=0)


def main(folder):
    classes = sorted(path.name for path in Path(folder).iterdir() if path.is_dir())
    paths = [(path, i) for i, name in enumerate(classes) for path in sorted(Path(folder, name).glob("*.wav"))]
    with tempfile.TemporaryDirectory() as scratch:
        images = np.stack([spectrogram(path, scratch) for path, _ in paths])
    labels = np.array([label for _, label in paths])
    pixels = images.reshape(len(images), -1) / 255
    probabilities = {name: np.zeros((len(labels), len(classes))) for name in ("small-cnn", "tl-resnet50", "svm")}
    for train, test in KFold(5, shuffle=True, random_state=0).split(images):
        probabilities["small-cnn"][test] = trained(small_cnn, 10, train, test, images, labels)
        probabilities["tl-resnet50"][test] = trained(resnet50, 3, train, test, images, labels)
        machine = SVC(C=1000, probability=True, random_state=0).fit(pixels[train], labels[train])
        probabilities["svm"][test] = machine.predict_proba(pixels[test])
    probabilities["combined"] = (probabilities["tl-resnet50"] + probabilities["svm"]) / 2
    print(json.dumps({name: float((p.argmax(1) == labels).mean()) for name, p in probabilities.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
