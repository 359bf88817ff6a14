"""Labels of people as columns: vectors, indicator matrices, and lists of any hashable labels."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _matrix


@dataclass
class Target:
    """Labels of examples as columns.

    Attributes
    ----------
    kind : {"vector", "sparse", "dense", "lists"}
        What was given, and so what `predict` returns.
    classes : ndarray
        The label of each column.
    indptr, indices : ndarray of int
        Columns of each example.
    """

    kind: str
    classes: npt.NDArray[Any]
    indptr: npt.NDArray[Any]
    indices: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.indptr) - 1


def encode(y: Any, classes: npt.NDArray[Any] | None = None) -> Target:
    """The labels `y` of a classifier.

    Parameters
    ----------
    y : vector, matrix of 0 and 1 (sparse or dense), or lists of labels
    classes : ndarray, optional
        All labels of vectors, where these are not the labels that occur.

    Raises
    ------
    ValueError
        No labels, labels of a regression, or a label that is not hashable or not in `classes`.
    """
    from scipy import sparse
    from sklearn.utils import column_or_1d
    from sklearn.utils.multiclass import check_classification_targets

    if y is None:
        raise ValueError("SlideClassifier requires y to be passed, but the target y is None")
    if sparse.issparse(y):
        indptr, indices, width = _matrix.labels(y, None, "y")
        return Target("sparse", np.arange(width), indptr, indices)
    if hasattr(y, "to_numpy"):  # a column or a table of pandas or polars
        y = y.to_numpy()
    if _matrix.is_lists(y):
        return _encode_lists(y)
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] > 1:
        indptr, indices, width = _matrix.labels(_as_bits(y), None, "y")
        return Target("dense", np.arange(width), indptr, indices)
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "c":
        raise ValueError("y: Complex data not supported")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        row = int(np.flatnonzero(~np.isfinite(y))[0])
        value = str(y[row]).replace("nan", "NaN")
        raise ValueError(f"Input y contains NaN or infinity: row {row} is {value}")
    check_classification_targets(y)
    if classes is None:
        classes, columns = np.unique(y, return_inverse=True)
    else:
        columns = np.searchsorted(classes, y)
        known = classes[np.minimum(columns, len(classes) - 1)] == y
        if not known.all():
            row = int(np.flatnonzero(~known)[0])
            raise ValueError(f"y: row {row}: expected one of the classes, found {y[row]!r}")
    return Target("vector", classes, np.arange(len(y) + 1, dtype=np.int64), columns.astype(np.int64))


def _as_bits(y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if y.dtype == object:
        return y.astype(np.float64)
    if y.dtype.kind not in "biuf":
        raise ValueError(f"y: expected 0 and 1, found {y.dtype}")
    return y


def _encode_lists(rows: Iterable[Iterable[Hashable]]) -> Target:
    codes: dict[Hashable, int] = {}
    ends: list[int] = [0]
    found: list[Any] = []
    for row, labels in enumerate(rows):
        try:
            found.extend(codes.setdefault(label, len(codes)) for label in dict.fromkeys(labels))
        except TypeError:
            raise ValueError(f"y: row {row}: expected a list of hashable labels, found {labels!r}") from None
        ends.append(len(found))
    names: list[Any] = list(codes)
    try:
        order = sorted(range(len(names)), key=names.__getitem__)
    except TypeError:  # labels that cannot be compared stay in the order in which they come
        order = list(range(len(names)))
    classes = np.empty(len(names), dtype=object)
    classes[:] = [names[code] for code in order]
    column_of = np.empty(len(names), dtype=np.int64)
    column_of[order] = np.arange(len(names))
    indptr, columns = np.asarray(ends, dtype=np.int64), column_of[np.asarray(found, dtype=np.int64)]
    for start, end in zip(ends, ends[1:]):
        columns[start:end].sort()
    return Target("lists", classes, indptr, columns)


def joined(before: Any, y: Any) -> Any:
    """The labels of two lots of examples, one after the other."""
    from scipy import sparse

    if sparse.issparse(y):
        return sparse.vstack([before, y], format="csr")
    if _matrix.is_lists(y):
        return [*before, *y]
    return np.concatenate([before, y])
