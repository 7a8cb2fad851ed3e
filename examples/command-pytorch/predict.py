import json

import numpy as np
import torch
from network import device, images, network

fold = json.load(open("fold.json"))
torch.set_num_threads(fold["threads"])
model = network(len(fold["classes"]))
# weights_only: a file that contains only weights cannot run code.
model.load_state_dict(torch.load("trained/weights.pt", map_location=device, weights_only=True))
model.eval()
with torch.no_grad():
    probabilities = torch.cat([model(part).softmax(1) for part in images("test").split(256)])
np.save("probabilities.npy", probabilities.double().cpu().numpy())
