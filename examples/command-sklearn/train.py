import json

import joblib
import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier

fold = json.load(open("fold.json"))
rows = np.load("train-features.npy").reshape(fold["train"], -1)
model = RandomForestClassifier(fold["parameters"]["trees"], random_state=fold["seed"] % 2**32, n_jobs=fold["threads"])
model.fit(rows, np.load("train-labels.npy"))
joblib.dump(model, "trained/forest.joblib")
print(json.dumps({"environment": {"scikit-learn": sklearn.__version__}}), flush=True)
