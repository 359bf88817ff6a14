"""The classifier: conventions of scikit-learn, and labels of all kinds."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
from conftest import matrix
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

import slide

#: Checks that fail, and why that is right.
EXPECTED_FAILURES = {
    "check_classifiers_multilabel_representation_invariance": (
        "lists of lists are lists of labels, as [[0, 2], [1]], and no matrix of 0 and 1: the two cannot be told apart"
    ),
}


def checks():
    generate = getattr(estimator_checks, "estimator_checks_generator", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = slide.SlideClassifier(threads=1)
        pairs = generate(estimator) if generate else estimator_checks.check_estimator(estimator, generate_only=True)
        return [(getattr(check, "func", check).__name__, estimator, check) for estimator, check in pairs]


CHECKS = checks()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for number, (name, _, _) in enumerate(CHECKS)], ids=[name for name, _, _ in CHECKS]
)
def test_conventions_of_scikit_learn(name, number):
    _, estimator, check = CHECKS[number]
    if name in EXPECTED_FAILURES:
        with pytest.raises(AssertionError):
            check(estimator)
        return
    try:
        check(estimator)
    except estimator_checks.SkipTest as reason:
        pytest.skip(str(reason))


def test_every_setting_is_a_keyword():
    parameters = inspect.signature(slide.SlideClassifier).parameters
    own = {"threads", "verbose", "checkpoint", "checkpoint_every"}
    settings = slide.settings()
    assert set(parameters) - own == set(settings)
    for name, setting in settings.items():
        default = parameters[name].default
        if default is not None and name not in ("hidden", "dropout"):
            assert default == setting["default"], name
        assert f"    {name} : " in slide.SlideClassifier.__doc__
    # They say what is the default anyway.
    X, Y = matrix(50)
    plain = slide.train(slide.Dataset(X, Y))
    assert pickle.dumps(slide.SlideClassifier().fit(X, Y).model_) == pickle.dumps(plain)
    assert clone(slide.SlideClassifier(hidden=8, active=3)).get_params()["active"] == 3


def names_of(Y):
    return [[f"label {column}" for column in row.indices] for row in Y]


def test_labels_of_all_kinds(data):
    X, Y = data
    fitted = slide.SlideClassifier(epochs=3).fit(X, Y)
    precision = fitted.score(X, Y)
    assert precision > 0.6
    assert sparse.issparse(fitted.predict(X)) and fitted.predict(X).shape == Y.shape
    dense = slide.SlideClassifier(epochs=3).fit(X, Y.toarray())
    assert np.array_equal(dense.predict(X), fitted.predict(X).toarray()) and dense.score(X, Y.toarray()) == precision
    lists = names_of(Y)
    named = slide.SlideClassifier(epochs=3).fit(X, lists)
    assert named.classes_.tolist() == sorted({name for row in lists for name in row})
    assert named.score(X, lists) > 0.6 and isinstance(named.predict(X)[0], list)
    labels, scores = named.predict_topk(X, 100)
    assert labels.shape == (400, 12) and labels[0, 0] in named.classes_.tolist()
    assert named.predict_topk(X, 2, output="csr").shape == Y.shape
    assert named.predict_proba(X).shape == named.decision_function(X).shape == (400, 12)
    mixed = [[(1, "a"), None] if row % 2 else [("b",)] for row in range(400)]
    strange = slide.SlideClassifier(epochs=2).fit(X, mixed)
    assert strange.classes_.tolist() == [("b",), (1, "a"), None]
    restored = pickle.loads(pickle.dumps(named))
    assert np.array_equal(restored.predict_topk(X)[0], named.predict_topk(X)[0])
    vector = np.array(["x", "y", "z"])[np.arange(400) % 3]
    single = slide.SlideClassifier(epochs=1).fit(X, vector)
    assert single.predict(X).shape == (400,) and np.allclose(single.predict_proba(X).sum(axis=1), 1)
    with pytest.raises(ValueError, match="y: row 0: expected a list of hashable labels"):
        slide.SlideClassifier().fit(X, [[{}]] * 400)
    with pytest.raises(ValueError, match="X has 400 rows, y has 3"):
        slide.SlideClassifier().fit(X, lists[:3])


def test_validation_with_unknown_labels(data):
    X, Y = data
    seen = []
    lists = names_of(Y)
    slide.SlideClassifier(epochs=1).fit(
        X[:300], lists[:300], validation=(X[300:], [[*row, "new"] for row in lists[300:]]), callback=seen.append
    )
    assert seen[-1].event == "finished" and 0.3 < seen[-1].evaluation.precision[1] <= 1


def test_partial_fit_learns_from_all(data):
    X, Y = data
    lists = names_of(Y)
    parts = slide.SlideClassifier(epochs=2).partial_fit(X[:100], lists[:100]).partial_fit(X[100:], lists[100:])
    whole = slide.SlideClassifier(epochs=2).fit(X, lists)
    assert pickle.dumps(parts.model_) == pickle.dumps(whole.model_)
    vector = np.arange(400) % 3
    parts = slide.SlideClassifier(epochs=1).partial_fit(X[:2], vector[:2], classes=[0, 1, 2]).partial_fit(X[2:], vector[2:])
    assert parts.classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="y: row 0: expected one of the classes, found"):
        slide.SlideClassifier().partial_fit(X[:2], [7, 7], classes=[1, 2])
    parts.fit(X[:50], vector[:50])
    assert "_seen" not in vars(parts)


TEXTS = ["red apple", "green apple", "red car", "fast car", "green tree", "old tree"] * 10
TOPICS = [["fruit"], ["fruit"], ["thing", "car"], ["thing", "car"], ["plant"], ["plant"]] * 10


@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), TfidfVectorizer(dtype=np.float32), HashingVectorizer()])
def test_pipelines_of_text(vectorizer):
    pipeline = make_pipeline(vectorizer, slide.SlideClassifier(hidden=16, epochs=5)).fit(TEXTS, TOPICS)
    assert pipeline.predict(["a red apple"])[0] == ["fruit"] and pipeline.score(TEXTS, TOPICS) == 1


def test_pipelines_of_dictionaries():
    rows = [{word: 1 for word in text.split()} for text in TEXTS]
    pipeline = make_pipeline(DictVectorizer(), slide.SlideClassifier(hidden=16, epochs=5)).fit(rows, [row[0] for row in TOPICS])
    assert pipeline.predict([{"tree": 1}]).tolist() == ["plant"]


def test_grid_search():
    pipeline = make_pipeline(TfidfVectorizer(), slide.SlideClassifier(epochs=4))
    search = GridSearchCV(pipeline, {"slideclassifier__hidden": [8, 16]}, cv=2, n_jobs=2)
    search.fit(TEXTS, [row[0] for row in TOPICS])
    assert search.best_score_ > 0.9 and search.best_params_["slideclassifier__hidden"] in (8, 16)
