"""Measures the training step of bench.mjs in PyTorch, on the same card. Prints one JSON object per variant.

usage: bench-torch.py [--children N] [--seconds S] [--device cuda] VARIANT ...

VARIANT: MODEL:PRECISION[+channels_last][+compile or +reduce-overhead][+foldsK], with MODEL resnet50 or small-cnn and
PRECISION float32 (no TF32), tf32, bfloat16 or float16 (autocast; float16 with GradScaler). +foldsK trains K folds in one
graph. Images are 60 x 90, batches have 50 images, and the optimizer is Adam. As in cryfold, uint8 images are on the GPU
and gathered by index, and the loss is read after every step.
"""

import argparse
import json
import re
import subprocess
import sys
import time

import torch
from torch import nn
from torch_networks import CLASSES, NETWORKS

BATCH, COUNT, SIZE = 50, 250, (60, 90)


class Training:
    def __init__(self, variant, device):
        name, precision, *options = re.split(r"[:+]", variant)
        self.device = device
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "float32"
        torch.backends.cudnn.benchmark = True
        self.type = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(precision)
        self.format = torch.channels_last if "channels_last" in options else torch.contiguous_format
        torch.manual_seed(0)
        self.images = torch.randint(0, 256, (COUNT, 3, *SIZE), dtype=torch.uint8, device=device)
        self.labels = torch.arange(COUNT, device=device) % CLASSES
        self.folds = next((int(text[5:]) for text in options if text.startswith("folds")), 1)
        model = NETWORKS[name](*([self.folds] if self.folds > 1 else [])).to(device=device, memory_format=self.format)
        # The fused optimizer is PyTorch's fastest.
        self.optimizer = torch.optim.Adam(model.parameters(), 1e-4, fused=device == "cuda")
        self.scaler = torch.amp.GradScaler(device, enabled=precision == "float16")
        if "compile" in options:
            model = torch.compile(model)
        if "reduce-overhead" in options:
            model = torch.compile(model, mode="reduce-overhead")
        self.model, self.graphs = model, "reduce-overhead" in options

    def step(self):
        if self.graphs:
            torch.compiler.cudagraph_mark_step_begin()
        index = torch.arange(BATCH, device=self.device)
        x = (self.images[index].float() / 255).repeat(1, self.folds, 1, 1).contiguous(memory_format=self.format)
        self.optimizer.zero_grad()
        with torch.autocast(self.device, dtype=self.type, enabled=self.type is not None):
            logits = self.model(x).reshape(BATCH * self.folds, CLASSES)
            loss = nn.functional.cross_entropy(logits, self.labels[index].repeat_interleave(self.folds)) * self.folds
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.item()


def measure(training, seconds):
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        training.step()
        steps += 1
    return steps * BATCH * training.folds / (time.perf_counter() - start)


def say(**fields):
    print(json.dumps(fields), flush=True)


def child(variant, device):
    """Warms up. Then, for each line `SECONDS` on stdin, trains for that long and prints the images per second."""
    start = time.perf_counter()
    training = Training(variant, device)
    for _ in range(2 if device == "cpu" else 15):
        loss = training.step()
    say(ready=round(time.perf_counter() - start, 1), loss=loss)
    for line in sys.stdin:
        say(rate=measure(training, float(line)))


def together(variant, children, seconds, device):
    command = [sys.executable, __file__, "--child", "--device", device, variant]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(children)]
    for process in processes:
        if not process.stdout.readline():
            say(side="PyTorch", variant=variant, error="a child ended")
            return
    count = 1
    while count <= children:
        active = processes[:count]
        for process in active:
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
        rates = [json.loads(process.stdout.readline())["rate"] for process in active]
        say(side="PyTorch", variant=variant, children=count, rate=round(sum(rates), 1))
        count *= 2
    for process in processes:
        process.stdin.close()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="+")
    parser.add_argument("--children", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--child", action="store_true")
    arguments = parser.parse_args()
    for variant in arguments.variants:
        if arguments.child:
            child(variant, arguments.device)
        elif arguments.children:
            together(variant, arguments.children, arguments.seconds, arguments.device)
        else:
            try:
                start = time.perf_counter()
                training = Training(variant, arguments.device)
                for _ in range(2 if arguments.device == "cpu" else 15):
                    loss = training.step()
                warm = round(time.perf_counter() - start, 1)
                rate = round(measure(training, arguments.seconds), 1)
                memory = torch.cuda.max_memory_reserved() >> 20 if arguments.device == "cuda" else 0
                say(side="PyTorch", variant=variant, children=1, rate=rate, warm_s=warm, loss=loss, mib=memory)
                del training
                if arguments.device == "cuda":
                    torch.cuda.empty_cache()
                    torch.cuda.reset_peak_memory_stats()
            except Exception as error:  # the other variants are still measured
                say(side="PyTorch", variant=variant, error=str(error)[:300])


if __name__ == "__main__":
    main()
