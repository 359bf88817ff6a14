"""Models: loaded, saved, and asked for labels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _native

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ._dataset import Dataset, Path


class Explanation(NamedTuple):
    """What a score consists of.

    Attributes
    ----------
    label : str
    probability : float or None
        Of the label, if it is among the best.
    score : float
        The logit of the label: the sum of the constant and of what all features add.
    constant : float
    features : list of (str, float)
        Words, n-grams and values, and what each adds, the largest first.
    """

    label: str
    probability: float | None
    score: float
    constant: float
    features: list[tuple[str, float]]


class Model:
    """A trained model. Any number of threads may predict with it at the same time.

    `slide.train` makes one and `Model.load` reads one. It pickles as the content of its file. After a fork, parent and child have threads
    of their own.
    """

    __slots__ = ("__weakref__", "_engine", "_features", "_threads")
    _engine: _native.Model
    _features: int
    _threads: int | None

    def __init__(self) -> None:
        raise TypeError("slide.train makes models, and Model.load reads them")

    @classmethod
    def _of(cls, native: _native.Model, threads: int | None = None) -> Model:
        model = cls.__new__(cls)
        model._engine, model._features, model._threads = native, native.features, threads
        return model

    @classmethod
    def load(cls, path: Path, *, map: bool = True, threads: int | None = None) -> Model:
        """Reads a model of this package or of the program.

        Parameters
        ----------
        path : path-like
        map : bool
            The large tables stay in the mapped file, which takes milliseconds and shares memory between processes. The file must not be
            written to meanwhile; it may be replaced. False: they are copied, and their values are checked.
        threads : int, optional
            Threads that predict; by default one for each core.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            It is no model, or damaged.
        """
        return cls._of(_native.Model.load(path, map=map, threads=threads), threads)

    def save(self, path: Path) -> None:
        """Writes the model: what was at `path` before is replaced as a whole."""
        self._engine.save(path)

    def predict_topk(
        self, X: Any, k: int = 5, *, output: str = "arrays", part: str = "both", retrieval: str = "auto"
    ) -> Any:
        """The best labels of each example.

        Parameters
        ----------
        X : sparse matrix or array-like of shape (examples, features)
            Compressed rows of float32 are not copied.
        k : int
            Labels for each example.
        output : {"arrays", "csr"}
        part : {"both", "network", "linear"}
            Parts of the model that are used.
        retrieval : {"auto", "exact", "linear", "index", "lsh"}
            How the labels are found that are scored.

        Returns
        -------
        labels : ndarray of shape (examples, k), int64
            Columns of labels, best first; -1 where there are fewer than k.
        scores : ndarray of shape (examples, k), float32
            Their probabilities; 0 where there are fewer than k.

            With ``output="csr"`` instead of both a `scipy.sparse.csr_matrix` of shape (examples, labels) with the probabilities.

        Raises
        ------
        ValueError
            `X` has another width than the training data, or values that are not finite: the message has the row and the value.
        """
        from . import _matrix

        if not _matrix.is_plain(X):
            X = _matrix.features(X)
        if X.shape[1] != self._features:
            raise ValueError(f"X: expected {self._features} columns, as the training data had, found {X.shape[1]}")
        if k < 1:
            raise ValueError(f"k: expected at least 1, found {k}")
        found = self._engine.predict(X.indptr, X.indices, X.data, k, part, retrieval)
        if found is None:
            X = _matrix.sorted_anew(X)
            found = self._engine.predict(X.indptr, X.indices, X.data, k, part, retrieval)
            assert found is not None
        if output == "arrays":
            return found
        if output == "csr":
            labels, scores = found
            return _to_csr(labels, scores, self.labels)
        raise ValueError(f"output: expected 'arrays' or 'csr', found {output!r}")

    def predict_one(
        self,
        indices: npt.NDArray[Any],
        values: npt.NDArray[np.float32],
        k: int = 5,
        *,
        part: str = "both",
        retrieval: str = "auto",
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The best labels of one example: the quickest way to ask for them.

        Parameters
        ----------
        indices : ndarray of int32 or int64
            Columns of its features, ascending.
        values : ndarray of float32
            Their values.
        k, part, retrieval
            As for `predict_topk`.

        Returns
        -------
        labels, scores : ndarray of shape (k,)
            As of `predict_topk`.
        """
        import numpy as np

        indptr = np.array((0, len(indices)), dtype=np.int64)
        found = self._engine.predict(indptr, indices, values, k, part, retrieval)
        if found is None:
            raise ValueError("indices: expected ascending columns")
        return found[0][0], found[1][0]

    def predict_rows(
        self, X: Any, k: int = 5
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The best labels of texts or rows of a table, of a model that was trained on such.

        Parameters
        ----------
        X : list of str, table of pandas or polars, or dict of columns
            With the columns that the model was trained with; the column of the labels may be missing.
        k : int
            Labels for each row.

        Returns
        -------
        labels : ndarray of shape (rows, k), int64
            Places in `label_names`, best first; -1 where there are fewer than k.
        scores : ndarray of shape (rows, k), float32
            Their probabilities. If every row of the training had one label, those of a row sum to 1 over all labels.

        Raises
        ------
        ValueError
            A column is missing, or the model was not trained on a table.
        """
        from . import _table

        if k < 1:
            raise ValueError(f"k: expected at least 1, found {k}")
        return _native.predict_rows(self._engine, _table.of(X, _native.table_columns(self._engine)), k)

    def explain(self, row: Any, label: str | None = None) -> Explanation:
        """What each feature of a text or a row adds to the score of a label.

        Parameters
        ----------
        row : str or dict of values
        label : str, optional
            By default the best one.
        """
        from . import _table

        rows = [row] if isinstance(row, str) else {name: [value] for name, value in dict(row).items()}
        table = _table.of(rows, _native.table_columns(self._engine))
        return Explanation(*_native.explain_row(self._engine, table, label))

    @property
    def label_names(self) -> list[str] | None:
        """The names of the labels, of a model that was trained on texts or a table."""
        return _native.label_names(self._engine)

    def quantize(self, to: str = "int8", *, input_bits: int = 4, prune: float = 0.0) -> Model:
        """A copy with fewer bits a weight.

        Parameters
        ----------
        to : {"int8", "bf16"}
        input_bits : {4, 8}
            With int8, bits of the weights of the input layer.
        prune : float
            Share of the weights of the linear part that are dropped, the smallest.
        """
        return self._of(self._engine.quantized(to, str(input_bits), prune), self._threads)

    def build_index(
        self, data: Dataset, *, recall: float | None = None, queries: int | None = None, lists: int | None = None
    ) -> Model:
        """A copy with an index of its labels, by which the network finds labels without scoring all.

        Parameters
        ----------
        data : Dataset
            Training examples, which the index learns from.
        recall : float, optional
            Share of the five best labels that it must find; 0.99 by default.
        queries, lists : int, optional
            Examples to learn from, and lists that labels are put into; by default as many as suit the number of labels.
        """
        return self._of(self._engine.indexed(data._engine, recall, queries, lists), self._threads)

    @property
    def index(self) -> dict[str, Any] | None:
        """What the index finds, if there is one."""
        report = self._engine.index_report
        return None if report is None else dict(json.loads(report))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that it was trained with, those included that the data decided."""
        return {name: json.loads(value) for name, value in self._engine.settings}

    @property
    def features(self) -> int:
        """Number of columns of `X`."""
        return self._features

    @property
    def labels(self) -> int:
        """Number of columns of `Y`."""
        return self._engine.labels

    @property
    def known_labels(self) -> npt.NDArray[np.uint32]:
        """The columns of labels that can be predicted, ascending."""
        return self._engine.known_labels

    @property
    def label_frequencies(self) -> npt.NDArray[np.uint32]:
        """How many training examples have each of `known_labels`."""
        return self._engine.label_frequencies

    @property
    def examples(self) -> int:
        """Number of training examples."""
        return self._engine.examples

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return self._engine.parameters

    def __repr__(self) -> str:
        parts = [name for name, has in (("network", self._engine.has_network), ("linear", self._engine.has_linear)) if has]
        return f"Model(features={self.features}, labels={self.labels}, parts={'+'.join(parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _of_bytes, (self._engine.to_bytes(), self._threads)

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        # It does not change.
        return self


def _of_bytes(content: bytes, threads: int | None) -> Model:
    return Model._of(_native.Model.of_bytes(content, threads), threads)


def _to_csr(labels: npt.NDArray[np.int64], scores: npt.NDArray[np.float32], width: int) -> Any:
    import numpy as np
    from scipy import sparse

    present = labels >= 0
    indptr = np.concatenate(([0], np.cumsum(present.sum(axis=1))))
    matrix = sparse.csr_matrix((scores[present], labels[present], indptr), shape=(len(labels), width))
    matrix.sort_indices()
    return matrix
