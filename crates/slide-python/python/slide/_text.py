"""A scikit-learn classifier of texts and tables."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from . import _native, _table, _targets
from ._dataset import Dataset
from ._model import Explanation, Model
from ._training import Progress, _train, changes, given_settings

logger = logging.getLogger("slide")

#: The column of the labels, which no table of people has.
TARGET = "\x1flabels"


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Texts and tables in, labels out: features, parts of the model and settings are chosen on held-out rows.

    `X` is a list of texts, a table of pandas or polars, or a dict of columns; `y` a vector of labels, or a list of labels for each row.
    It learns as the program `slide train` does of a file with these columns.

    Parameters
    ----------
    text : str or list of str, optional
        Columns of texts. If there are any, only columns that are named are used.
    columns : dict of str, optional
        What columns have: "text", "categorical", "numeric", "date", "sequence" or "id" (which is not used); "categorical:|" makes sets of
        values between delimiters. That of the others is inferred.
    crosses : list of (str, str), optional
        Pairs of columns whose values together are a feature.
    word_ngrams : int, optional
        Longest n-grams of words; by default chosen.
    char_ngrams : (int, int) or "none", optional
        Shortest and longest n-grams of characters; by default chosen.
    pair_window : int, default 0
        Pairs of words at most so far apart.
    weighting : {"equal", "idf", "classes"}, optional
        Weights of words; by default chosen.
    min_rows : int, optional
        Rows that a feature must occur in.
    balance : bool, default False
        All labels count the same, however many rows they have. Only for one label in each row.
    settings : dict, optional
        Settings of the training, as `slide.settings` lists them: ``{"model": "linear"}``.
    full_precision : bool, default False
        Keep the weights of a network as they were trained; else they are rounded to integers.
    threads : int, optional
        By default one for each core. The result does not depend on it.
    verbose : int, default 0
        1: a progress bar if tqdm is installed, else lines for the logger "slide"; and a line for each way that is tried.

    Attributes
    ----------
    classes_ : ndarray
        The labels.
    model_ : Model
        Its file is one of the program's.
    report_ : dict
        What was inferred of the columns, and what was tried and chosen.

    Examples
    --------
    >>> classifier = slide.TextClassifier().fit(["a film to see twice", "two hours of boredom"] * 20, ["good", "bad"] * 20)
    >>> classifier.predict(["what boredom"]).tolist()
    ['bad']
    """

    def __init__(
        self,
        text: str | Sequence[str] | None = None,
        columns: Mapping[str, str] | None = None,
        crosses: Sequence[tuple[str, str]] | None = None,
        word_ngrams: int | None = None,
        char_ngrams: tuple[int, int] | str | None = None,
        pair_window: int = 0,
        weighting: str | None = None,
        min_rows: int | None = None,
        balance: bool = False,
        settings: Mapping[str, Any] | None = None,
        full_precision: bool = False,
        threads: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.text = text
        self.columns = columns
        self.crosses = crosses
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.pair_window = pair_window
        self.weighting = weighting
        self.min_rows = min_rows
        self.balance = balance
        self.settings = settings
        self.full_precision = full_precision
        self.threads = threads
        self.verbose = verbose

    def fit(self, X: Any, y: Any, *, callback: Callable[[Progress], Any] | None = None) -> TextClassifier:
        """Chooses and trains.

        Parameters
        ----------
        X : list of str, table of pandas or polars, or dict of columns
            Missing values are None or NaN.
        y : vector of labels, or list of labels for each row
            Labels become strings in the model's file.
        callback : callable, optional
            As of `slide.train`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A wrong shape, value or setting: the message names it.
        KeyboardInterrupt
            After Ctrl-C, within a second.
        """
        target = _targets.encode(y)
        if target.kind in ("sparse", "dense"):
            raise ValueError("y: expected a vector of labels or a list of labels for each row, found a matrix")
        names = [_name(label) for label in target.classes.tolist()]
        if len(set(names)) < len(names):
            raise ValueError("y: different labels have one text")
        fields = [
            _table.LIST.join(names[column] for column in target.indices[start:end])
            for start, end in zip(target.indptr, target.indptr[1:])
        ]
        kinds = [(name, *_kind(name, kind)) for name, kind in (self.columns or {}).items()]
        text = [self.text] if isinstance(self.text, str) else list(self.text or [])
        if not hasattr(X, "columns") and not isinstance(X, Mapping) and not text:
            # A list is one of texts, whatever they look like.
            text = ["text"]
        given = given_settings(dict(self.settings or {}))
        chars = (0, 0) if self.char_ngrams == "none" else self.char_ngrams
        if isinstance(chars, str):
            raise ValueError(f"char_ngrams: expected two numbers or 'none', found {chars!r}")
        plan = _native.plan(
            _table.of(X, more={TARGET: fields}),
            TARGET,
            changes(given),
            text=text,
            columns=kinds,
            crosses=[(str(one), str(other)) for one, other in self.crosses or []],
            word_ngrams=self.word_ngrams,
            char_ngrams=None if chars is None else (int(chars[0]), int(chars[1])),
            pair_window=self.pair_window,
            weighting=self.weighting,
            min_rows=self.min_rows,
            balance=self.balance,
            threads=self.threads,
        )
        self.report_: dict[str, Any] = json.loads(plan.report)
        if self.verbose:
            for trial in self.report_["trials"]:
                if "way" in trial:
                    share, count = 100 * trial["accuracy"], trial["rows"]
                    logger.info("tried %s: %.2f %% of %d held-out rows", trial["way"], share, count)
                else:
                    logger.info("chosen: %s", trial["chosen"])
        self.model_: Model = _train(
            Dataset._of(plan.data),
            plan=plan,
            full_precision=self.full_precision,
            callback=callback,
            verbose=self.verbose,
            threads=self.threads,
        )
        label_of = dict(zip(names, range(len(names))))
        trained = self.model_.label_names
        assert trained is not None
        self.classes_ = target.classes
        # Places of the model's labels, which ascend as strings, among the classes.
        self._places = np.array([label_of[name] for name in trained], dtype=np.int64)
        self._kind = target.kind
        return self

    def predict_topk(self, X: Any, k: int = 5) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
        """The best labels of each row.

        Parameters
        ----------
        X : as for `fit`
        k : int
            Labels for each row, at most as many as there are.

        Returns
        -------
        labels : ndarray of shape (rows, k)
            Labels as in `classes_`, best first.
        scores : ndarray of shape (rows, k), float32
            Their probabilities; 0 where there are fewer than k.
        """
        check_is_fitted(self, "model_")
        places, scores = self.model_.predict_rows(X, min(k, len(self.classes_)))
        return self.classes_[self._places[np.maximum(places, 0)]], scores

    def predict(self, X: Any) -> Any:
        """The label of each row; of lists of labels those with a probability of at least a half."""
        check_is_fitted(self, "model_")
        if self._kind == "vector":
            return self.predict_topk(X, 1)[0][:, 0]
        labels, scores = self.predict_topk(X, min(len(self.classes_), 100))
        return [row[mask].tolist() for row, mask in zip(labels, scores >= 0.5)]

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """The probability of each label, of shape (rows, labels), in the order of `classes_`."""
        check_is_fitted(self, "model_")
        count = len(self.classes_)
        places, scores = self.model_.predict_rows(X, count)
        probabilities = np.zeros((len(places), count), dtype=np.float32)
        present = places >= 0
        probabilities[np.nonzero(present)[0], self._places[places[present]]] = scores[present]
        return probabilities

    def explain(self, row: Any, label: Any = None) -> Explanation:
        """What each word or value of a row adds to the score of a label: see `Model.explain`."""
        check_is_fitted(self, "model_")
        return self.model_.explain(row, None if label is None else _name(label))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of the rows whose best label is one of theirs."""
        if self._kind == "vector":
            return float(super().score(X, y, sample_weight))
        best = self.predict_topk(X, 1)[0][:, 0]
        return float(np.average([label in labels for label, labels in zip(best, y)], weights=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags

    def _more_tags(self) -> dict[str, Any]:  # scikit-learn before 1.6
        return {"X_types": ["string"], "requires_y": True}


def _name(label: Any) -> str:
    name = str(label)
    if not name.strip() or name != name.strip() or _table.LIST in name:
        raise ValueError(f"y: expected labels with a text that neither begins nor ends with a space, found {label!r}")
    return name


def _kind(name: str, kind: str) -> tuple[str, str | None]:
    """`categorical:|` has a delimiter."""
    kind, colon, delimiter = kind.partition(":")
    if colon and len(delimiter) != 1:
        raise ValueError(f"columns: {name}: expected one character as a delimiter, found {delimiter!r}")
    return kind, delimiter or None
