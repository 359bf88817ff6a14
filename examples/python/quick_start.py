"""Learns what Debian packages depend on, and predicts it for others: `python examples/python/quick_start.py`."""

from pathlib import Path

import slide

debian = Path(__file__).resolve().parents[2] / "data" / "debian"
train, test = (slide.Dataset.read(debian / f"{name}.txt.zst") for name in ("train", "test"))
labels, packages = (slide.read_names(debian / f"{name}.zst") for name in ("labels.txt", "test.names"))

model = slide.train(train, verbose=1)
print(slide.evaluate(model, test))

X, Y = test.to_csr()
columns, scores = model.predict_topk(X[:5], k=3)
for package, best, probabilities in zip(packages, columns, scores):
    found = ", ".join(f"{labels[column]} {probability:.0%}" for column, probability in zip(best, probabilities))
    print(f"{package}: {found}")
model.save("debian.slide")
