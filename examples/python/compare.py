# %% [markdown]
# # Accuracy against time
# slide beside omikuji, PECOS and scikit-learn's linear model, on one split of the Debian set with its most frequent labels (so that one
# model for each label, as scikit-learn has it, is feasible). Systems that are not installed are left out:
# `pip install omikuji libpecos scikit-learn matplotlib`, then `python examples/python/compare.py --labels 500`.

# %%
import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import slide
from sklearn.preprocessing import normalize

arguments = argparse.ArgumentParser()
arguments.add_argument("--labels", type=int, default=500, help="most frequent labels")
arguments.add_argument("--threads", type=int, default=1)
arguments.add_argument("--plot", default="compare.svg")
arguments.add_argument("--systems", nargs="*", default=["slide", "omikuji", "pecos", "sklearn"])
options = arguments.parse_args()

# %% The split
debian = Path(__file__).resolve().parents[2] / "data" / "debian"
X, Y = slide.Dataset.read(debian / "train.txt.zst").to_csr()
X_test, Y_test = slide.Dataset.read(debian / "test.txt.zst", features=X.shape[1], labels=Y.shape[1]).to_csr()
chosen = np.sort(np.argsort(-np.asarray(Y.sum(axis=0)).ravel(), kind="stable")[: options.labels])
kept, kept_test = ((np.asarray(matrix[:, chosen].sum(axis=1)).ravel() > 0) for matrix in (Y, Y_test))
X, Y = X[kept], Y[kept][:, chosen]
X_test, Y_test = X_test[kept_test], Y_test[kept_test][:, chosen]
unit, unit_test = normalize(X), normalize(X_test)
print(f"{X.shape[0]} examples, {X.shape[1]} features, {Y.shape[1]} labels; {X_test.shape[0]} examples to test on")


def precision(best):
    """P@1 of the best label of each example."""
    return float(np.asarray(Y_test[np.arange(len(best)), best]).mean())


# %% The systems: each yields names of settings, and for each a model's best labels
def of_slide():
    for budget in (4, 7, 10, 14):
        model = slide.train(slide.Dataset(X, Y), budget=budget, threads=options.threads)
        yield f"slide, budget {budget}", lambda: model.predict_topk(X_test, 1)[0][:, 0]


def of_omikuji():
    import omikuji

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "train.txt")
        filled = np.flatnonzero(np.diff(X.indptr))  # it cannot read examples without features
        slide.Dataset(X, Y).select(filled).write(path)
        for trees in (1, 3):
            settings = omikuji.Model.default_hyper_param()
            settings.n_trees = trees
            model = omikuji.Model.train_on_data(path, settings, n_threads=options.threads)
            rows = [list(zip(row.indices.tolist(), row.data.tolist())) for row in X_test]
            best = lambda: np.array([(model.predict(row, top_k=1) or [(0, 0)])[0][0] for row in rows])
            yield f"omikuji, {trees} trees", best


def of_pecos():
    from pecos.xmc import Indexer, LabelEmbeddingFactory
    from pecos.xmc.xlinear.model import XLinearModel

    labels = Y.astype(np.float32)
    chain = Indexer.gen(LabelEmbeddingFactory.create(labels, unit, method="pifa"), threads=options.threads)
    model = XLinearModel.train(unit, labels, C=chain, threads=options.threads)
    best = lambda: np.array([row.indices[row.data.argmax()] for row in model.predict(unit_test, only_topk=1)])
    yield "PECOS XR-Linear", best


def of_sklearn():
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import LinearSVC

    model = OneVsRestClassifier(LinearSVC(C=1.0), n_jobs=options.threads).fit(unit, Y)
    yield "scikit-learn, LinearSVC", lambda: model.decision_function(unit_test).argmax(axis=1)


# %% Training and prediction
points = []
for system in options.systems:
    runs = {"slide": of_slide, "omikuji": of_omikuji, "pecos": of_pecos, "sklearn": of_sklearn}[system]()
    while True:
        start = time.process_time()
        try:
            name, best = next(runs)
        except StopIteration:
            break
        except ImportError as error:
            print(f"{system} is left out: {error}")
            break
        seconds = time.process_time() - start
        start = time.process_time()
        accuracy = precision(best())
        microseconds = 1e6 * (time.process_time() - start) / X_test.shape[0]
        print(f"{name:26} {seconds:8.1f} CPU s to train, {microseconds:7.0f} us a prediction, P@1 {100 * accuracy:.2f}")
        points.append((system, name, seconds, accuracy))

# %% Accuracy against time
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("matplotlib is not installed: no plot")
else:
    for system in dict.fromkeys(point[0] for point in points):
        own = [point for point in points if point[0] == system]
        plt.plot([point[2] for point in own], [100 * point[3] for point in own], "o-", label=system)
    plt.xscale("log")
    plt.xlabel("CPU seconds of training")
    plt.ylabel("P@1 (%)")
    plt.legend()
    plt.savefig(options.plot)
    print(f"plot: {options.plot}")
