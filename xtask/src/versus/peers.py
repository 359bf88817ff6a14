"""The systems that slide is compared with, each through its own Python interface, on one thread.

    peers.py check PEER                                         versions of its packages
    peers.py train PEER TRAIN MODEL REPORT                      reads, trains, saves
    peers.py predict PEER MODEL TEST PREDICTIONS SINGLE REPORT  five labels an example, and the time of a prediction

Files of examples are in the format of the Extreme Classification Repository. MODEL is a folder that exists. PREDICTIONS has a
line `label:score label:score ...` for each example, best first. SINGLE is how many examples are also predicted one by one.
What was found goes to REPORT as JSON, since libraries write to standard output what they like.
"""

import importlib.metadata
import json
import os
import statistics
import sys
import time

TOP = 5


def header(path):
    """Numbers of examples, features and labels."""
    with open(path, "rb") as file:
        return tuple(map(int, file.readline().split()))


def lines(path):
    """Labels and (feature, value) pairs of each example."""
    with open(path) as file:
        next(file)
        for line in file:
            words = line.split()
            labels = words.pop(0).split(",") if words and ":" not in words[0] else []
            pairs = (word.split(":") for word in words)
            yield labels, [(int(feature), float(value)) for feature, value in pairs]


def matrix(path):
    """Features, and the lists of labels. As fast as Python has it: by scikit-learn."""
    import numpy
    from sklearn.datasets import load_svmlight_file

    examples, features, _ = header(path)
    with open(path, "rb") as file:
        file.readline()
        x, labels = load_svmlight_file(
            file, n_features=features, dtype=numpy.float32, multilabel=True, zero_based=True
        )
    assert x.shape[0] == examples, f"{path}: {x.shape[0]} examples are read of {examples}"
    x.sort_indices()
    return x, labels


def unit_rows(path):
    """The same, with rows of length 1."""
    from sklearn.preprocessing import normalize

    x, labels = matrix(path)
    return normalize(x, copy=False), labels


def label_matrix(labels, count):
    import numpy
    import scipy.sparse

    starts = numpy.cumsum([0] + [len(row) for row in labels])
    columns = numpy.fromiter((label for row in labels for label in row), dtype=numpy.int64, count=starts[-1])
    ones = numpy.ones(starts[-1], dtype=numpy.float32)
    return scipy.sparse.csr_matrix((ones, columns, starts), shape=(len(labels), count))


class Omikuji:
    """Parabel: balanced trees of two branches, all settings at their defaults."""

    packages = ["omikuji"]
    file = "model"

    def start(self):
        import omikuji

        self.module = omikuji

    def settings(self):
        return self.module.Model.default_hyper_param()

    def train(self, train, model):
        # It cannot read examples without features.
        complete = os.path.join(model, "complete.txt")
        with open(train) as file, open(complete, "w") as out:
            header, *rows = file
            kept = [row for row in rows if ":" in row]
            out.write(" ".join([str(len(kept)), *header.split()[1:]]) + "\n")
            out.writelines(kept)
        trained = self.module.Model.train_on_data(complete, self.settings(), n_threads=1)
        os.remove(complete)
        trained.save(os.path.join(model, self.file))

    def load(self, model, test):
        self.model = self.module.Model.load(os.path.join(model, self.file))
        self.model.init_prediction_thread_pool(1)
        # As its own program does before it predicts.
        self.model.densify_weights(0.1)
        return [pairs for _, pairs in lines(test)]

    def single(self, example):
        return self.model.predict(example, top_k=TOP)

    # It has no call for more than one.
    batch = None


class Bonsai(Omikuji):
    """Regular k-means with wide, shallow trees: the settings that omikuji names for it."""

    def settings(self):
        settings = super().settings()
        settings.cluster_balanced, settings.cluster_k, settings.max_depth = False, 100, 3
        return settings


class Pecos:
    """XR-Linear with a hierarchy of labels by PIFA, all settings at their defaults; rows of length 1, as its tf-idf has them."""

    packages = ["libpecos", "scikit-learn", "scipy", "numpy"]

    def start(self):
        import sklearn.datasets
        import sklearn.preprocessing
        from pecos.xmc import Indexer, LabelEmbeddingFactory
        from pecos.xmc.xlinear.model import XLinearModel

        self.indexer, self.embedding, self.linear = Indexer, LabelEmbeddingFactory, XLinearModel

    def train(self, train, model):
        x, labels = unit_rows(train)
        y = label_matrix(labels, header(train)[2])
        chain = self.indexer.gen(self.embedding.create(y, x, method="pifa"), threads=1)
        self.linear.train(x, y, C=chain, threads=1).save(model)

    def load(self, model, test):
        self.model = self.linear.load(model, is_predict_only=True)
        self.x, _ = unit_rows(test)
        return [self.x[i] for i in range(self.x.shape[0])]

    def found(self, y):
        rows = zip(y.indptr, y.indptr[1:])
        rows = (sorted(zip(y.data[a:b], y.indices[a:b]), key=lambda found: -found[0]) for a, b in rows)
        return [[(label, score) for score, label in row] for row in rows]

    def single(self, example):
        return self.model.predict(example, only_topk=TOP, threads=1)

    def batch(self):
        y = self.model.predict(self.x, only_topk=TOP, threads=1)
        return lambda: self.found(y)


class Napkinxc:
    """Probabilistic label trees, all settings at their defaults."""

    packages = ["napkinxc", "scikit-learn", "scipy", "numpy"]

    def start(self):
        import sklearn.datasets
        from napkinxc.models import PLT

        self.tree = PLT

    def train(self, train, model):
        self.tree(model, threads=1).fit_on_file(train)

    def load(self, model, test):
        self.model = self.tree(model, threads=1)
        self.model.load()
        self.x, _ = matrix(test)
        return [self.x[i] for i in range(self.x.shape[0])]

    def single(self, example):
        return self.model.predict_proba(example, top_k=TOP)

    def batch(self):
        found = self.model.predict_proba(self.x, top_k=TOP)
        return lambda: found


class Fasttext:
    """One word a feature. Its tutorial's settings for several labels an example; a tree of labels where there are many."""

    packages = ["fasttext-wheel", "numpy"]
    file = "model.bin"
    # One sigmoid per label takes time in proportion to the labels.
    most_for_one_versus_all = 10_000

    def start(self):
        import fasttext

        # It warns, at each load, that it no longer warns.
        fasttext.FastText.eprint = lambda *_: None
        self.module = fasttext

    def words(self, pairs):
        return " ".join(f"f{feature}" for feature, _ in pairs)

    def train(self, train, model):
        text = os.path.join(model, "train.words")
        with open(text, "w") as file:
            for labels, pairs in lines(train):
                names = "".join(f"__label__{label} " for label in labels)
                file.write(f"{names}{self.words(pairs)}\n")
        loss = "ova" if header(train)[2] <= self.most_for_one_versus_all else "hs"
        train_at = lambda rate: self.module.train_supervised(text, lr=rate, epoch=25, loss=loss, thread=1, verbose=0)
        try:
            trained = train_at(0.5)
        except RuntimeError as error:
            if "NaN" not in str(error):
                raise
            # With many labels an example it diverges: at its default then.
            trained = train_at(0.1)
        trained.save_model(os.path.join(model, self.file))
        os.remove(text)

    def load(self, model, test):
        self.model = self.module.load_model(os.path.join(model, self.file))
        self.texts = [self.words(pairs) for _, pairs in lines(test)]
        return self.texts

    def single(self, example):
        return self.model.predict(example, k=TOP)

    def batch(self):
        names, scores = self.model.predict(self.texts, k=TOP)
        rows = zip(names, scores)
        return lambda: [[(name.removeprefix("__label__"), s) for name, s in zip(*row)] for row in rows]


class Pytorch:
    """The network of slide and its defaults, but with all labels in each step."""

    packages = ["torch", "scikit-learn", "scipy", "numpy"]
    file = "model.pt"
    together = 512
    epochs = 10

    def start(self):
        import sklearn.datasets
        import sklearn.preprocessing
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(42)
        self.torch = torch

    def network(self, features, labels):
        nn = self.torch.nn
        rest = nn.Sequential(nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, labels))
        return nn.ModuleDict({"input": nn.EmbeddingBag(features, 256, mode="sum"), "rest": rest})

    def apply(self, network, x):
        features, starts, values = map(self.torch.as_tensor, (x.indices, x.indptr[:-1], x.data))
        return network["rest"](network["input"](features, starts, per_sample_weights=values))

    def train(self, train, model):
        torch = self.torch
        x, labels = unit_rows(train)
        _, features, label_count = header(train)
        y = label_matrix(labels, label_count)
        network = self.network(features, label_count)
        # As slide begins: the biases are the logarithms of the labels' shares.
        torch.nn.init.normal_(network["input"].weight, std=256**-0.5)
        torch.nn.init.normal_(network["rest"][2].weight, std=0.5 * 256**-0.5)
        shares = torch.as_tensor(y.sum(axis=0)).flatten().float() + 0.5
        network["rest"][2].bias.data = torch.log(shares / x.shape[0])
        adam = torch.optim.Adam(network.parameters(), lr=0.005)
        loss = torch.nn.BCEWithLogitsLoss(reduction="sum")
        starts = range(0, x.shape[0], self.together)
        steps = self.epochs * len(starts)
        # As slide has it: up over a twentieth of the steps, then down to 0.
        rate = lambda step: min((step + 1) / (0.05 * steps), (steps - step) / (0.95 * steps), 1)
        schedule = torch.optim.lr_scheduler.LambdaLR(adam, rate)
        for _ in range(self.epochs):
            order = torch.randperm(x.shape[0]).numpy()
            for start in starts:
                rows = order[start : start + self.together]
                batch = x[rows]
                batch.data = torch.nn.functional.dropout(torch.as_tensor(batch.data), 0.3).numpy()
                wanted = torch.as_tensor(y[rows].toarray())
                adam.zero_grad()
                (loss(self.apply(network, batch), wanted) / len(rows)).backward()
                adam.step()
                schedule.step()
        torch.save((features, label_count, network.state_dict()), os.path.join(model, self.file))

    def load(self, model, test):
        features, label_count, weights = self.torch.load(os.path.join(model, self.file))
        self.model = self.network(features, label_count)
        self.model.load_state_dict(weights)
        self.model.eval()
        self.x, _ = unit_rows(test)
        return [self.x[i] for i in range(self.x.shape[0])]

    def single(self, example):
        with self.torch.inference_mode():
            return self.torch.topk(self.apply(self.model, example), TOP)

    def batch(self):
        starts = range(0, self.x.shape[0], self.together)
        found = [self.single(self.x[start : start + self.together]) for start in starts]
        rows = (row for part in found for row in zip(part.indices.tolist(), part.values.tolist()))
        return lambda: [list(zip(*row)) for row in rows]


PEERS = {
    "parabel": Omikuji,
    "bonsai": Bonsai,
    "pecos": Pecos,
    "napkinxc": Napkinxc,
    "fasttext": Fasttext,
    "pytorch": Pytorch,
}


def predict(peer, model, test, predictions, single):
    """Writes predictions; microseconds of processor time an example, together and one by one."""
    examples = peer.load(model, test)
    # The first calls set things up.
    for example in examples[:10]:
        peer.single(example)
    microseconds = lambda since: (time.process_time_ns() - since) / 1e3
    batch = None
    if peer.batch is not None:
        start = time.process_time_ns()
        found = peer.batch()
        batch = microseconds(start) / len(examples)
        found = found()
    else:
        found = [peer.single(example) for example in examples]
    times = []
    for example in examples[:single]:
        start = time.process_time_ns()
        peer.single(example)
        times.append(microseconds(start))
    with open(predictions, "w") as file:
        for row in found:
            file.write(" ".join(f"{label}:{score}" for label, score in row) + "\n")
    return {"batch_microseconds": batch, "single_microseconds": statistics.median(times)}


def main(verb, name, *arguments):
    peer = PEERS[name]()
    peer.start()
    if verb == "check":
        print(json.dumps({package: importlib.metadata.version(package) for package in peer.packages}))
        return
    *arguments, report = arguments
    if verb == "train":
        # What Python and its packages take to start has nothing to do with training.
        found = {"start_seconds": time.process_time()}
        peer.train(*arguments)
    else:
        *paths, single = arguments
        found = predict(peer, *paths, int(single))
    with open(report, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
