import json

import numpy as np
import torch
from network import device, images, network
from torch import nn

fold = json.load(open("fold.json"))
parameters = fold["parameters"]
torch.manual_seed(fold["seed"])
torch.set_num_threads(fold["threads"])

train = images("train")
labels = torch.from_numpy(np.load("train-labels.npy")).long().to(device)
model = network(len(fold["classes"]))
optimizer = torch.optim.Adam(model.parameters(), lr=parameters["learningRate"])
loss_of = nn.CrossEntropyLoss()

for epoch in range(1, parameters["epochs"] + 1):
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

torch.save(model.state_dict(), "trained/weights.pt")
print(json.dumps({"environment": {"torch": torch.__version__, "device": device}}), flush=True)
