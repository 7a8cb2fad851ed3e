"""PyTorch's side of `scripts/bench nn`, with requests and answers as in nn-peers.py. Only training is compared.

The networks use the memory format channels_last, which is the fastest for oneDNN. Argument: threads.
"""

import json
import sys
import time

import torch
from torch import nn
from torch_networks import NETWORKS

torch.set_num_threads(int(sys.argv[1]))
torch.set_num_interop_threads(1)


images = torch.randint(0, 256, (50, 3, 60, 90)).float().to(memory_format=torch.channels_last) / 255
labels = torch.arange(50) % 5
kept = {}
print("ready", flush=True)
for line in sys.stdin:
    request = json.loads(line)
    name = request["model"]
    if name not in kept:
        model = NETWORKS[name]().to(memory_format=torch.channels_last)
        kept[name] = model, torch.optim.Adam(model.parameters(), 1e-4)
    model, optimizer = kept[name]
    start = time.perf_counter()
    for _ in range(request["steps"]):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    print(time.perf_counter() - start, flush=True)
