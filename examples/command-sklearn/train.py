import json

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier

fold = json.load(open("fold.json"))
train, test = (np.load(f"{part}-features.npy").reshape(fold[part], -1) for part in ("train", "test"))
model = RandomForestClassifier(fold["parameters"]["trees"], random_state=fold["seed"] % 2**32, n_jobs=fold["threads"])
model.fit(train, np.load("train-labels.npy"))
# A class that no training clip has gets no probability.
probabilities = np.zeros((fold["test"], len(fold["classes"])))
probabilities[:, model.classes_] = model.predict_proba(test)
np.save("probabilities.npy", probabilities)
print(json.dumps({"environment": {"scikit-learn": sklearn.__version__}}), flush=True)
