"""PyTorch's side of `scripts/bench nn`: requests and answers as in nn-peers.py; only training is compared.

torchvision is not needed: the network is written here, with Keras's strides, in channels_last memory format, which
oneDNN likes best. Argument: threads.
"""

import json
import sys
import time

import torch
from torch import nn

torch.set_num_threads(int(sys.argv[1]))
torch.set_num_interop_threads(1)


class Block(nn.Module):
    def __init__(self, inputs, filters, stride, shortcut):
        super().__init__()

        def part(a, b, size, step):
            return nn.Sequential(nn.Conv2d(a, b, size, step, size // 2, bias=False), nn.BatchNorm2d(b))

        self.path = nn.Sequential(
            *(part(inputs, filters, 1, stride), nn.ReLU(), part(filters, filters, 3, 1), nn.ReLU()),
            part(filters, 4 * filters, 1, 1),
        )
        self.shortcut = part(inputs, 4 * filters, 1, stride) if shortcut else nn.Identity()

    def forward(self, x):
        return torch.relu(self.path(x) + self.shortcut(x))


def resnet50():
    parts = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for filters, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            parts.append(Block(inputs, filters, stride if i == 0 else 1, i == 0))
            inputs = 4 * filters
    parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.25)]
    for a, b in ((2048, 256), (256, 128), (128, 64)):
        parts += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(64, 5))


def small_cnn():
    parts, inputs = [], 3
    for filters in (32, 64, 128):
        parts += [nn.Conv2d(inputs, filters, 3), nn.ReLU(), nn.MaxPool2d(2)]
        inputs = filters
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(128 * 5 * 9, 128), nn.ReLU(), nn.Linear(128, 5))


images = torch.randint(0, 256, (50, 3, 60, 90)).float().to(memory_format=torch.channels_last) / 255
labels = torch.arange(50) % 5
kept = {}
print("ready", flush=True)
for line in sys.stdin:
    request = json.loads(line)
    name = request["model"]
    if name not in kept:
        model = (resnet50() if name == "resnet50" else small_cnn()).to(memory_format=torch.channels_last)
        kept[name] = model, torch.optim.Adam(model.parameters(), 1e-4)
    model, optimizer = kept[name]
    start = time.perf_counter()
    for _ in range(request["steps"]):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    print(time.perf_counter() - start, flush=True)
