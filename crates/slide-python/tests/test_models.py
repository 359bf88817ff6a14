"""Models: predictions, files, other processes and threads."""

import copy
import hashlib
import io
import multiprocessing
import os
import pickle
import subprocess
import threading
import time

import joblib
import numpy as np
import pytest
from conftest import matrix
from scipy import sparse

import slide


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other))


def test_the_best_labels(model, data):
    X, Y = data
    labels, scores = model.predict_topk(X, 3)
    assert (labels.shape, labels.dtype, scores.dtype) == ((400, 3), np.int64, np.float32)
    assert (np.diff(scores) <= 0).all() and (0 <= scores).all() and (scores <= 1).all()
    precision = Y.toarray()[np.arange(400), labels[:, 0]].mean()
    evaluation = slide.evaluate(model, slide.Dataset(X, Y), k=[1, 2])
    assert evaluation.precision[1] == pytest.approx(precision) and precision > 0.6
    assert evaluation.examples == 400 and list(evaluation.recall) == [1, 2] and "P" in str(evaluation)
    matrix = model.predict_topk(X, 3, output="csr")
    assert matrix.shape == Y.shape and matrix[7, labels[7, 1]] == scores[7, 1]
    for row in (0, 17):
        assert equal(model.predict_topk(X[row], 3), (labels[row : row + 1], scores[row : row + 1]))
        assert equal(model.predict_one(X[row].indices, X[row].data, 3), (labels[row], scores[row]))
    labels, scores = model.predict_topk(X[:2], 20)
    assert labels.shape == (2, 20) and (labels[:, 12:] == -1).all() and (scores[:, 12:] == 0).all()
    assert model.predict_topk(X[:0], 3)[0].shape == (0, 3)
    for part in ("network", "linear"):
        assert model.predict_topk(X, 2, part=part)[0].shape == (400, 2)
    assert repr(model) == "Model(features=60, labels=12, parts=network+linear)"


def test_what_is_refused(model, data):
    X = data[0]
    with pytest.raises(ValueError, match="X: expected 60 columns, as the training data had, found 59"):
        model.predict_topk(X[:, :59])
    bad = X.copy()
    bad.data[bad.indptr[5]] = np.nan
    with pytest.raises(ValueError, match="X: row 5: expected finite values, found NaN in column"):
        model.predict_topk(bad)
    with pytest.raises(ValueError, match="X: expected as many values as indices, found 2 and 1"):
        model.predict_one(np.array([1]), np.ones(2, dtype=np.float32))
    with pytest.raises(ValueError, match="indices: expected ascending columns"):
        model.predict_one(np.array([1, 0]), np.ones(2, dtype=np.float32))
    for options, message in [
        ({"k": 0}, "k: expected at least 1, found 0"),
        ({"part": "half"}, "unknown part `half`, expected one of"),
        ({"retrieval": "index"}, "the model has no index"),
        ({"output": "list"}, "output: expected 'arrays' or 'csr'"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.predict_topk(X, **options)
    with pytest.raises(ValueError, match="metrics at"):
        slide.evaluate(model, slide.Dataset(*data), k=[0])
    with pytest.raises(TypeError):
        slide.Model()


def test_rows_in_any_order(model, data):
    X = data[0]
    flipped = sparse.csr_matrix((X.data[::-1].copy(), X.indices[::-1].copy(), X.nnz - X.indptr[::-1]), X.shape)
    assert equal(model.predict_topk(flipped, 4), model.predict_topk(X[::-1], 4))
    # scipy believes that they ascend.
    flipped = sparse.csr_matrix((X.data[::-1].copy(), X.indices[::-1].copy(), X.nnz - X.indptr[::-1]), X.shape)
    flipped.has_canonical_format = flipped.has_sorted_indices = True
    assert equal(model.predict_topk(flipped, 4), model.predict_topk(X[::-1], 4))


def test_files(model, data, tmp_path):
    path = tmp_path / "model.slide"
    model.save(path)
    start = time.perf_counter()
    mapped = slide.Model.load(path)
    assert time.perf_counter() - start < 0.5
    expected = model.predict_topk(data[0])
    for loaded in (mapped, slide.Model.load(path, map=False, threads=1)):
        assert equal(loaded.predict_topk(data[0]), expected) and loaded.settings == model.settings
    loaded.save(tmp_path / "again.slide")
    assert digest(tmp_path / "again.slide") == digest(path)
    (tmp_path / "bad.slide").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="bad.slide"):
        slide.Model.load(tmp_path / "bad.slide")
    with pytest.raises(FileNotFoundError):
        slide.Model.load(tmp_path / "missing.slide")


def test_copies(model, data):
    expected = model.predict_topk(data[0])
    content = io.BytesIO()
    joblib.dump(model, content)
    content.seek(0)
    for other in (pickle.loads(pickle.dumps(model)), joblib.load(content), copy.copy(model), copy.deepcopy(model)):
        assert equal(other.predict_topk(data[0]), expected)
    kept = pickle.loads(pickle.dumps(slide.Dataset(*data)))
    assert slide.evaluate(model, kept) == slide.evaluate(model, slide.Dataset(*data))


def test_the_same_bits_as_the_program(program, tmp_path, data):
    train, of_program, of_python = (tmp_path / name for name in ("train.txt", "a.slide", "b.slide"))
    slide.Dataset(*data).write(train)
    options = ["--epochs", "3", "--hidden", "64,32", "--learning-rate", "0.003", "--sampler", "vanilla", "--active", "5"]
    subprocess.run([program, "--quiet", "train", train, "-o", of_program, *options], check=True, capture_output=True)
    settings = {"epochs": 3, "hidden": (64, 32), "learning_rate": 0.003, "sampler": "vanilla", "active": 5}
    read = slide.Dataset.read(train)
    for number, (given, threads) in enumerate([(read, None), (read, 1), (slide.Dataset(*read.to_csr()), 3)]):
        slide.train(given, threads=threads, **settings).save(of_python)
        assert digest(of_python) == digest(of_program), number
    classifier = slide.SlideClassifier(**settings).fit(*read.to_csr())
    classifier.model_.save(of_python)
    assert digest(of_python) == digest(of_program)
    predicted = subprocess.run([program, "predict", of_python, train, "--top", "1"], check=True, capture_output=True, text=True)
    best = [int(line.split(":")[0]) for line in predicted.stdout.splitlines()]
    assert best == classifier.model_.predict_topk(read.to_csr()[0], 1)[0][:, 0].tolist()


def test_fewer_bits_and_an_index(model, data):
    X, Y = data
    small = model.quantize("int8", prune=0.1)
    assert len(pickle.dumps(small)) < len(pickle.dumps(model)) / 2
    assert (small.predict_topk(X, 1)[0] == model.predict_topk(X, 1)[0]).mean() > 0.8
    assert model.index is None
    indexed = model.build_index(slide.Dataset(X, Y))
    assert indexed.index["lists"] >= 1
    assert indexed.predict_topk(X, 1, part="network", retrieval="index")[0].shape == (400, 1)
    with pytest.raises(ValueError, match="prune"):
        model.quantize(prune=1.0)
    with pytest.raises(ValueError, match="unknown kind of weights"):
        model.quantize("int3")


def test_predictions_of_eight_threads_overlap(model, data):
    X = data[0]
    expected = model.predict_topk(X, 5)
    many, ends = sparse.vstack([X] * 100, format="csr"), [[] for _ in range(7)]
    started, done = threading.Barrier(8), threading.Event()
    wrong = []

    def work(own):
        started.wait()
        while not done.is_set():
            if not equal(model.predict_topk(X, 5), expected):
                wrong.append(1)
            own.append(time.perf_counter())

    threads = [threading.Thread(target=work, args=(own,)) for own in ends]
    for thread in threads:
        thread.start()
    started.wait()
    start = time.perf_counter()
    labels, _ = model.predict_topk(many, 5)
    end = time.perf_counter()
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong and np.array_equal(labels[-400:], expected[0])
    meanwhile = [sum(start < time < end for time in own) for own in ends]
    assert min(meanwhile) > 0, f"calls that ended in the {end - start:.2f} s of one call: {meanwhile}"


def answer(model, X, queue):
    queue.put(model.predict_topk(X, 2)[0].tolist())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes(method, model, data):
    X = data[0]
    expected = model.predict_topk(X, 2)[0].tolist()
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    children = [context.Process(target=answer, args=(model, X, queue)) for _ in range(2)]
    for child in children:
        child.start()
    assert [queue.get(timeout=60) for _ in children] == [expected] * 2
    for child in children:
        child.join(60)
        assert child.exitcode == 0, "it ends without waiting for threads that it does not have"
    assert model.predict_topk(X, 2)[0].tolist() == expected


def train_and_read(path, queue):
    data = slide.Dataset.read(path)
    data.write(path)
    queue.put(slide.train(data, epochs=1).labels)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_reads_and_trains(data, tmp_path):
    path = tmp_path / "train.txt"
    slide.Dataset(*data).write(path)
    slide.train(slide.Dataset.read(path), epochs=1)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=train_and_read, args=(path, queue))
    child.start()
    assert queue.get(timeout=60) == 12
    child.join(60)
    assert child.exitcode == 0
