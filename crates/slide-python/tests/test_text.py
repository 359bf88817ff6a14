"""Texts and tables."""

import datetime
import json
import os
import pickle
import signal
import subprocess
import threading
import time

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

import slide

TOPICS = {
    "fruit": ["apple", "pear", "cherry", "juice", "sweet"],
    "metal": ["iron", "copper", "forge", "melt", "alloy"],
    "sea": ["wave", "harbour", "salt", "sail", "tide"],
}


def corpus(rows=300, seed=1):
    random = np.random.RandomState(seed)
    topics = list(TOPICS)
    labels = [topics[random.randint(3)] for _ in range(rows)]
    common = ["the", "and", "of", "to", "in", "a", "it"]
    texts = [" ".join(random.choice(TOPICS[label] + common, 8)) for label in labels]
    return texts, labels


@pytest.fixture(scope="module")
def fitted():
    return slide.TextClassifier(threads=2).fit(*corpus())


def test_texts(fitted, tmp_path):
    texts, labels = corpus(100, seed=2)
    assert fitted.score(texts, labels) > 0.95
    assert fitted.classes_.tolist() == sorted(TOPICS)
    best, scores = fitted.predict_topk(texts, 2)
    assert best.shape == scores.shape == (100, 2) and (np.diff(scores) <= 0).all()
    probabilities = fitted.predict_proba(texts)
    assert probabilities.shape == (100, 3) and np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == best[:, 0]).all()
    assert fitted.predict(["salt and tide", ""]).tolist()[0] == "sea"
    assert [column["kind"] for column in fitted.report_["columns"]] == ["text"]
    assert any("chosen" in trial for trial in fitted.report_["trials"])
    # The same from the file, from a copy, and for many rows as for one.
    fitted.model_.save(tmp_path / "m.slide")
    model = slide.Model.load(tmp_path / "m.slide")
    assert model.label_names == sorted(TOPICS)
    many = model.predict_rows(texts * 5, 2)
    alone = model.predict_rows([texts[7]], 2)
    assert (many[0][7] == alone[0][0]).all() and (many[1][7] == alone[1][0]).all()
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.predict(texts) == fitted.predict(texts)).all()


def test_more_places_than_memory_has(fitted):
    with pytest.raises(MemoryError, match="1 rows of"):
        fitted.model_.predict_rows(["salt"], 1 << 62)


def test_explanations_sum_to_the_score(fitted):
    explained = fitted.explain("salt and tide")
    assert explained.label == "sea" and 0.5 < explained.probability <= 1
    assert explained.features[0][0] in ("salt", "tide", "salt and", "and tide")
    assert sum(adds for _, adds in explained.features) + explained.constant == pytest.approx(explained.score, abs=1e-3)
    assert fitted.explain("salt", "metal").score < fitted.explain("salt", "sea").score
    with pytest.raises(ValueError, match='no label "nothing"'):
        fitted.explain("salt", "nothing")


def test_the_program_has_the_same_model(fitted, tmp_path):
    program = os.environ.get("SLIDE_PROGRAM")
    if not program:
        pytest.skip("SLIDE_PROGRAM is not set")
    texts, labels = corpus()
    with open(tmp_path / "t.jsonl", "w") as file:
        file.writelines(json.dumps({"text": text, "label": label}) + "\n" for text, label in zip(texts, labels))
    command = [program, "train", "t.jsonl", "--target", "label", "--text", "text", "-o", "p.slide", "--quiet"]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    theirs = slide.Model.load(tmp_path / "p.slide").predict_rows(texts, 3)
    ours = fitted.model_.predict_rows(texts, 3)
    assert (theirs[0] == ours[0]).all() and (theirs[1] == ours[1]).all()
    fitted.model_.save(tmp_path / "m.slide")
    command = [program, "predict", "m.slide", "--text", "salt and tide", "--top", "1"]
    answer = subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert answer.startswith("sea:")


def table(rows=400):
    random = np.random.RandomState(3)
    price, colour = random.uniform(0, 10, rows), random.choice(["red", "blue"], rows)
    label = (price > 5).astype(int) + 2 * (colour == "red")
    return {
        "price": price,
        "colour": [None if number % 50 == 0 else value for number, value in enumerate(colour.tolist())],
        "tags": [["a", "b"] if number % 2 else ["c"] for number in range(rows)],
        "day": [datetime.date(2020, 1, 1 + number % 28) for number in range(rows)],
    }, label


def test_columns():
    columns, labels = table()
    classifier = slide.TextClassifier(columns={"tags": "categorical"}, settings={"model": "linear"}).fit(columns, labels)
    assert classifier.classes_.tolist() == [0, 1, 2, 3] and classifier.score(columns, labels) > 0.9
    kinds = {column["name"]: column["kind"] for column in classifier.report_["columns"]}
    assert kinds == {"price": "numeric", "colour": "categorical", "tags": "categorical", "day": "date"}
    assert classifier.model_.settings["model"] == "linear"
    explained = classifier.explain({name: column[3] for name, column in columns.items()}, 3)
    assert explained.label == "3"
    with pytest.raises(ValueError, match="X: no column `colour`; it has `price`"):
        classifier.predict({"price": [1.0]})


def test_tables_of_pandas():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    columns, labels = table()
    frame = pandas.DataFrame(columns)
    frame["day"] = pandas.to_datetime(frame["day"])
    frame["tags"] = frame["tags"].str.join("|")
    kinds = {"tags": "categorical:|"}
    classifier = slide.TextClassifier(columns=kinds, settings={"model": "linear"}).fit(frame, pandas.Series(labels))
    assert {column["kind"] for column in classifier.report_["columns"]} == {"numeric", "categorical", "date"}
    assert classifier.score(frame, labels) > 0.9


def test_balanced_labels():
    random = np.random.RandomState(5)
    labels = ["rare" if random.randint(10) == 0 else "usual" for _ in range(1000)]
    texts = [" ".join(f"word{random.randint(12) + 2 * (label == 'rare')}" for _ in range(5)) for label in labels]
    found = [slide.TextClassifier(balance=balance).fit(texts, labels).predict(texts) for balance in (False, True)]
    assert (found[1] == "rare").sum() > (found[0] == "rare").sum()
    with pytest.raises(ValueError, match="rows have several labels"):
        slide.TextClassifier(balance=True).fit(["a", "b"], [["x", "y"], ["x"]])


def test_lists_of_labels():
    texts, labels = corpus()
    both = [[label, "short"] if len(text) < 40 else [label] for text, label in zip(texts, labels)]
    classifier = slide.TextClassifier(threads=1).fit(texts, both)
    assert set(classifier.classes_) == {*TOPICS, "short"}
    assert classifier.score(texts, both) > 0.9
    assert isinstance(classifier.predict(texts[:3])[0], list)


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (["a", "b"], ["x"], {}, "y: expected 2 labels, as X has rows, found 1"),
        ("a b", ["x"], {}, "expected a list of texts, found one text"),
        (np.ones((2, 2)), ["x", "y"], {}, "expected a list of texts, a table"),
        (["a", object()], ["x", "y"], {}, "X: row 1: expected text"),
        (["a", "b"], ["x", "x"], {}, "has 1 labels, expected two or more"),
        (["a", "b"], ["x", " y"], {}, "neither begins nor ends with a space"),
        ({"a": ["1"], "b": []}, ["x"], {}, "columns of one length"),
        (["a", "b"], ["x", "y"], {"settings": {"nothing": 1}}, "unknown setting `nothing`"),
        (["a", "b"], ["x", "y"], {"settings": {"epochs": 0}}, "epochs"),
        (["a", "b"], ["x", "y"], {"weighting": "most"}, "unknown weighting `most`"),
        (["a", "b"], ["x", "y"], {"columns": {"text": "words"}}, "unknown kind `words`"),
        (["a", "b"], ["x", "y"], {"columns": {"z": "text"}}, "no column `z`"),
    ],
)
def test_what_is_refused(X, y, options, message):
    with pytest.raises(ValueError, match=message):
        slide.TextClassifier(**options).fit(X, y)


def test_other_models_have_no_rows(model):
    assert model.label_names is None
    with pytest.raises(ValueError, match="was not trained on a table"):
        model.predict_rows(["a"])


def test_scikit_learn(fitted):
    texts, labels = corpus(120)
    scores = cross_val_score(slide.TextClassifier(settings={"model": "linear"}, threads=2), texts, labels, cv=2)
    assert scores.min() > 0.8
    copy = clone(fitted)
    assert copy.get_params()["threads"] == 2
    with pytest.raises(NotFittedError):
        copy.predict(texts)


def test_ctrl_c_while_ways_are_tried():
    texts, labels = corpus(20000)
    timer = threading.Timer(0.7, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        slide.TextClassifier(settings={"model": "network", "hidden": 512, "epochs": 200}).fit(texts, labels)
    assert time.monotonic() - start < 10
