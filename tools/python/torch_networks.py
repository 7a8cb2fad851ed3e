"""cryfold's networks in PyTorch for benchmarks, with Keras's layers and strides for images of 60 x 90 and five classes.

With folds > 1, ResNet50 trains several folds in one graph. Their channels are adjacent, in grouped convolutions.
"""

import torch
from torch import nn

CLASSES = 5


class Block(nn.Module):
    def __init__(self, inputs, filters, stride, shortcut, folds):
        super().__init__()

        def part(a, b, size, step):
            convolution = nn.Conv2d(folds * a, folds * b, size, step, size // 2, bias=False, groups=folds)
            return nn.Sequential(convolution, nn.BatchNorm2d(folds * b))

        self.path = nn.Sequential(
            *(part(inputs, filters, 1, stride), nn.ReLU(), part(filters, filters, 3, 1), nn.ReLU()),
            part(filters, 4 * filters, 1, 1),
        )
        self.shortcut = part(inputs, 4 * filters, 1, stride) if shortcut else nn.Identity()

    def forward(self, x):
        return torch.relu(self.path(x) + self.shortcut(x))


def resnet50(folds=1):
    first = nn.Conv2d(3 * folds, 64 * folds, 7, 2, 3, bias=False, groups=folds)
    parts = [first, nn.BatchNorm2d(64 * folds), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for filters, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            parts.append(Block(inputs, filters, stride if i == 0 else 1, i == 0, folds))
            inputs = 4 * filters
    widths = ((2048, 256), (256, 128), (128, 64))
    if folds == 1:
        parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.25)]
        for a, b in widths:
            parts += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*parts, nn.Linear(64, CLASSES))
    # One dense layer per fold, as a grouped 1 x 1 convolution.
    parts += [nn.AdaptiveAvgPool2d(1), nn.Dropout(0.25)]
    for a, b in widths:
        parts += [nn.Conv2d(folds * a, folds * b, 1, groups=folds), nn.ReLU()]
    return nn.Sequential(*parts, nn.Conv2d(folds * 64, folds * CLASSES, 1, groups=folds), nn.Flatten())


def small_cnn():
    parts, inputs = [], 3
    for filters in (32, 64, 128):
        parts += [nn.Conv2d(inputs, filters, 3), nn.ReLU(), nn.MaxPool2d(2)]
        inputs = filters
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(128 * 5 * 9, 128), nn.ReLU(), nn.Linear(128, CLASSES))


NETWORKS = {"resnet50": resnet50, "small-cnn": small_cnn}
