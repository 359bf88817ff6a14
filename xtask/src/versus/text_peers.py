"""Trains on texts and answers a test set, with slide and with peers: `run SYSTEM TRAIN TEST FOLDER [SLIDE]` prints a JSON object.

Files have a JSON object a line, with `text` and with `label`: a string, or a list of strings. Every system starts from these files; what
it takes is of its whole process, but for the start of Python and its packages. All have two threads.
"""

import json
import os
import resource
import subprocess
import sys
import time

PACKAGES = {
    "prepare": ["zstandard"],
    "slide": [],
    "fasttext": ["fasttext-wheel"],
    "vw": ["vowpalwabbit"],
    "svc": ["scikit-learn"],
}


def check(system):
    from importlib.metadata import version

    print(json.dumps({name: version(name) for name in PACKAGES[system]}))


def prepare(name, folder, out):
    """Sets are folders with `train.jsonl` and `test.jsonl`, compressed or not; CLINC150 has a file of its own."""
    import zstandard

    def lines(name):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, "rb") as file:
                content = file.read()
        else:
            with open(path + ".zst", "rb") as file:
                content = zstandard.ZstdDecompressor().stream_reader(file).read()
        return content.decode().rstrip("\n").split("\n")

    os.makedirs(out, exist_ok=True)
    if name == "clinc150":
        sets = json.loads("\n".join(lines("data_full.json")))
    for part in ("train", "test"):
        with open(os.path.join(out, part + ".jsonl"), "w") as file:
            if name == "clinc150":
                rows = [{"label": label, "text": text} for text, label in sets[part]]
            else:
                rows = [json.loads(line) for line in lines(part + ".jsonl")]
            for row in rows:
                # The titles of TIBKAT have short names.
                row = {"label": row.get("label", row.get("y")), "text": row.get("text", row.get("t"))}
                file.write(json.dumps(row) + "\n")


def read(path):
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    labels = [row["label"] if isinstance(row["label"], list) else [row["label"]] for row in rows]
    return labels, [" ".join(row["text"].split()) for row in rows]


def words(text):
    import re

    return re.findall(r"\w+", text.lower())


def accuracy(predicted, labels):
    return sum(one in own for one, own in zip(predicted, labels)) / len(labels)


def slide(train, test, folder, program):
    model = os.path.join(folder, "slide.model")
    command = [program, "train", train, "-o", model, "--threads", "2", "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    command = [program, "eval", model, test, "--threads", "2", "--quiet", "--json", "--latency"]

    def answer():
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        return found["quality"]["accuracy"], found["latency"]["prediction"]["p50"]

    return model, answer


def fasttext(train, test, folder, _):
    import fasttext as library

    library.FastText.eprint = lambda *_: None
    labels, texts = read(train)
    path = os.path.join(folder, "fasttext.txt")
    with open(path, "w") as file:
        for own, text in zip(labels, texts):
            file.write(" ".join("__label__" + one for one in own) + " " + " ".join(words(text)) + "\n")
    many = len({one for own in labels for one in own}) > 1000
    # The recipe of its tutorial: https://fasttext.cc/docs/en/supervised-tutorial.html
    model = library.train_supervised(
        path, lr=0.5, epoch=25, wordNgrams=2, thread=2, verbose=0, loss="hs" if many else "softmax"
    )
    file = os.path.join(folder, "fasttext.model")
    model.save_model(file)

    def answer():
        own, texts = read(test)
        lines = [" ".join(words(text)) for text in texts]
        # Its own `predict` needs numpy 1.
        best = model.f.multilinePredict([line + "\n" for line in lines], 1, 0.0, "strict")[0]
        found = [one[0][len("__label__"):] for one in best]
        start = time.perf_counter()
        for line in lines[:500]:
            model.f.predict(line + "\n", 1, 0.0, "strict")
        return accuracy(found, own), 1e6 * (time.perf_counter() - start) / min(500, len(lines))

    return file, answer


def vw(train, test, folder, _):
    from vowpalwabbit import Workspace

    labels, texts = read(train)
    names = sorted({one for own in labels for one in own})
    if len(names) > 1000:
        raise SystemExit("one against all: too many labels")
    number = {name: i + 1 for i, name in enumerate(names)}
    file = os.path.join(folder, "vw.model")
    kind = f"--oaa {len(names)}" if len(names) > 2 else "--binary"
    bits = 22 if len(names) == 2 else 24
    examples = []
    for own, text in zip(labels, texts):
        label = number[own[0]] if len(names) > 2 else 2 * number[own[0]] - 3
        examples.append(f"{label} | " + " ".join(words(text)))
    import random

    learner = Workspace(f"{kind} --ngram 2 -b {bits} --loss_function logistic --quiet --random_seed 1")
    for _ in range(5):
        random.Random(1).shuffle(examples)
        for example in examples:
            learner.learn(example)
    learner.save(file)

    def answer():
        own, texts = read(test)
        start = time.perf_counter()
        found = [learner.predict("| " + " ".join(words(text))) for text in texts]
        each = 1e6 * (time.perf_counter() - start) / len(texts)
        index = [int(one) - 1 if len(names) > 2 else int(one > 0) for one in found]
        return accuracy([names[one] for one in index], own), each

    return file, answer


def svc(train, test, folder, _):
    import pickle

    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    labels, texts = read(train)
    if len({one for own in labels for one in own}) > 1000:
        raise SystemExit("one against all: too many labels")
    pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LinearSVC())
    pipeline.fit(texts, [own[0] for own in labels])
    file = os.path.join(folder, "svc.model")
    with open(file, "wb") as out:
        pickle.dump(pipeline, out)

    def answer():
        own, texts = read(test)
        found = pipeline.predict(texts)
        start = time.perf_counter()
        for text in texts[:200]:
            pipeline.predict([text])
        return accuracy(found, own), 1e6 * (time.perf_counter() - start) / 200

    return file, answer


SYSTEMS = {"slide": slide, "fasttext": fasttext, "vw": vw, "svc": svc}
IMPORTS = {"fasttext": ["fasttext"], "vw": ["vowpalwabbit"], "svc": ["sklearn.svm", "sklearn.feature_extraction.text"]}


def processor():
    taken = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in taken)


def run(system, train, test, folder, program=None):
    import importlib

    for name in IMPORTS.get(system, []):
        importlib.import_module(name)
    os.makedirs(folder, exist_ok=True)
    start = (time.perf_counter(), processor())
    model, answer = SYSTEMS[system](train, test, folder, program)
    wall, cpu = time.perf_counter() - start[0], processor() - start[1]
    share, microseconds = answer()
    found = {
        "accuracy": share,
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "bytes": os.path.getsize(model),
        "microseconds": microseconds,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    {"check": check, "prepare": prepare, "run": run}[verb](*arguments)
