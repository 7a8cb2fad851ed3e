import json

import numpy as np
import torch
from torch import nn

fold = json.load(open("fold.json"))
parameters = fold["parameters"]
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(fold["seed"])
torch.set_num_threads(fold["threads"])


def images(part):
    pixels = torch.from_numpy(np.load(f"{part}-features.npy"))
    return pixels.permute(0, 3, 1, 2).to(device, torch.float32) / 255


train, test = images("train"), images("test")
labels = torch.from_numpy(np.load("train-labels.npy")).long().to(device)
layers = []
for before, after in ((3, 16), (16, 32), (32, 64)):
    layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, len(fold["classes"]))).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=parameters["learningRate"])
loss_of = nn.CrossEntropyLoss()

for epoch in range(1, parameters["epochs"] + 1):
    model.train()
    total, right = 0.0, 0
    for batch in torch.randperm(len(labels), device="cpu").to(device).split(parameters["batchSize"]):
        optimizer.zero_grad()
        scores = model(train[batch])
        loss = loss_of(scores, labels[batch])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
        right += (scores.argmax(1) == labels[batch]).sum().item()
    report = {"epoch": epoch, "loss": total / len(labels), "accuracy": right / len(labels)}
    print(json.dumps(report), flush=True)
    print(json.dumps({"progress": epoch / parameters["epochs"]}), flush=True)

model.eval()
with torch.no_grad():
    probabilities = torch.cat([model(part).softmax(1) for part in test.split(256)])
np.save("probabilities.npy", probabilities.double().cpu().numpy())
print(json.dumps({"environment": {"torch": torch.__version__, "device": device}}), flush=True)
