"""PyTorch's side: the training step that bench-ours.mjs measures, on the same card. One JSON object a line.

usage: bench-torch.py [--children N] [--seconds S] [--device cuda] [VARIANT ...]

The network is Keras's ResNet50 with cryfold's head, 60 x 90, batch 50, Adam; uint8 images are on the GPU and
gathered by index; the loss is read after every step, as cryfold does. Variants: PRECISION[+channels_last][+compile or
+reduce-overhead][+foldsK], PRECISION one of float32 (no TF32), tf32, bfloat16, float16 (autocast; float16 with GradScaler).
+foldsK trains K folds in one graph: their channels lie side by side, in grouped convolutions.
"""

import argparse
import json
import subprocess
import sys
import time

import torch
from torch import nn

BATCH, COUNT, SIZE = 50, 250, (60, 90)
DEFAULT = [
    "float32", "tf32", "tf32+channels_last", "bfloat16", "bfloat16+channels_last", "float16+channels_last",
    "bfloat16+channels_last+compile", "bfloat16+channels_last+reduce-overhead",
]  # fmt: skip


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
    if folds == 1:
        parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.25)]
        for a, b in ((2048, 256), (256, 128), (128, 64)):
            parts += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*parts, nn.Linear(64, 5))
    # One dense layer for each fold: a grouped convolution of 1 x 1.
    parts += [nn.AdaptiveAvgPool2d(1), nn.Dropout(0.25)]
    for a, b in ((2048, 256), (256, 128), (128, 64)):
        parts += [nn.Conv2d(folds * a, folds * b, 1, groups=folds), nn.ReLU()]
    return nn.Sequential(*parts, nn.Conv2d(folds * 64, folds * 5, 1, groups=folds), nn.Flatten())


class Training:
    def __init__(self, variant, device):
        precision, *options = variant.split("+")
        self.device = device
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "float32"
        torch.backends.cudnn.benchmark = True
        self.type = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(precision)
        self.format = torch.channels_last if "channels_last" in options else torch.contiguous_format
        torch.manual_seed(0)
        self.images = torch.randint(0, 256, (COUNT, 3, *SIZE), dtype=torch.uint8, device=device)
        self.labels = torch.arange(COUNT, device=device) % 5
        self.folds = next((int(text[5:]) for text in options if text.startswith("folds")), 1)
        model = resnet50(self.folds).to(device=device, memory_format=self.format)
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
            logits = self.model(x).reshape(BATCH * self.folds, 5)
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
    """Warm-up, then for each line `SECONDS` on stdin the images per second of that many seconds."""
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
    parser.add_argument("variants", nargs="*", default=DEFAULT)
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
            except Exception as error:  # the other variants still count
                say(side="PyTorch", variant=variant, error=str(error)[:300])


if __name__ == "__main__":
    main()
