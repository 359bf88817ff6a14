"""Matrices as the engine wants them: compressed rows of float32, columns ascending in each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Row = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.float32]]

_FLOAT32 = np.dtype(np.float32)


def is_plain(matrix: Any) -> bool:
    """Whether a matrix is compressed rows of float32: the engine then borrows its arrays."""
    return (
        getattr(matrix, "format", None) == "csr"
        and matrix.data.dtype == _FLOAT32
        and matrix.data.flags.c_contiguous
        and matrix.indices.flags.c_contiguous
    )


def features(matrix: Any, name: str = "X") -> Any:
    """`matrix` in compressed rows of float32, canonical: itself if it is that, else one converted copy.

    Parameters
    ----------
    matrix : sparse matrix or array-like of shape (examples, features)
    name : str
        The argument, for messages.

    Raises
    ------
    ValueError
        Not two dimensions, not numbers, or a value that float32 does not have: the message has the row and the value.
    """
    from scipy import sparse

    if not sparse.issparse(matrix):
        matrix = sparse.csr_matrix(_dense(matrix, name))
    if matrix.ndim != 2:
        raise ValueError(f"{name}: expected 2 dimensions, found {matrix.ndim}")
    if matrix.format != "csr":
        matrix = matrix.tocsr()
    if matrix.data.dtype != _FLOAT32 or not is_plain(matrix):
        _check_kind(matrix.data, name)
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(matrix.data, dtype=np.float32)
        _check_finite(values, matrix.data, matrix.indptr, name)
        parts = (values, np.ascontiguousarray(matrix.indices), np.ascontiguousarray(matrix.indptr))
        matrix = sparse.csr_matrix(parts, shape=matrix.shape)
    return canonical(matrix)


def canonical(matrix: Any) -> Any:
    """`matrix`, or a copy whose columns ascend in each row: of a column that occurs twice the sum."""
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.has_canonical_format = False
        matrix.sum_duplicates()
    return matrix


def sorted_anew(matrix: Any) -> Any:
    """A copy whose columns ascend in each row, whatever scipy believes of `matrix`."""
    matrix = matrix.copy()
    matrix.has_sorted_indices = False
    matrix.has_canonical_format = False
    matrix.sum_duplicates()
    return matrix


def _dense(matrix: Any, name: str) -> npt.NDArray[Any]:
    try:
        dense = np.asarray(matrix)
    except ValueError as error:
        raise ValueError(f"{name}: expected a matrix: {error}") from None
    if dense.ndim != 2:
        raise ValueError(f"{name}: expected 2 dimensions, found {dense.ndim}")
    if dense.dtype == object:
        dense = dense.astype(np.float64)
    _check_kind(dense, name)
    if dense.dtype.kind == "f":
        bad = ~np.isfinite(dense)
        if bad.any():
            row, column = (int(place[0]) for place in np.nonzero(bad))
            raise ValueError(f"{name}: row {row}: expected finite values, found {_text(dense[row, column])} in column {column}")
    return dense


def _text(value: Any) -> str:
    return str(value).replace("nan", "NaN")


def _check_kind(values: npt.NDArray[Any], name: str) -> None:
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name}: expected numbers, found {values.dtype}")


def _check_finite(values: npt.NDArray[Any], before: npt.NDArray[Any], indptr: npt.NDArray[Any], name: str) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        row = int(np.searchsorted(indptr, bad[0], side="right")) - 1
        raise ValueError(f"{name}: row {row}: expected finite values of float32, found {_text(before[bad[0]])}")


def labels(matrix: Any, width: int | None, name: str = "Y") -> tuple[npt.NDArray[Any], npt.NDArray[Any], int]:
    """`indptr`, `indices` and width of labels.

    Parameters
    ----------
    matrix : sparse or dense matrix of 0 and 1 of shape (examples, labels), lists of columns, or a vector of columns
    width : int or None
        Number of columns; None: that of the matrix, or the largest column and one.

    Raises
    ------
    ValueError
        Entries of a matrix other than 0 and 1, columns that are no whole numbers from 0, or beyond `width`.
    """
    from scipy import sparse

    if sparse.issparse(matrix) or isinstance(matrix, np.ndarray) and matrix.ndim == 2:
        indptr, indices, columns = _indicator(matrix, name)
    elif is_lists(matrix):
        indptr, indices = of_lists(matrix, name)
        columns = int(indices.max()) + 1 if len(indices) else 0
    else:
        vector = np.asarray(matrix)
        if vector.ndim != 1:
            raise ValueError(f"{name}: expected 1 or 2 dimensions, found {vector.ndim}")
        indptr, indices = np.arange(len(vector) + 1, dtype=np.int64), _columns(vector, name)
        columns = int(indices.max()) + 1 if len(indices) else 0
    if width is not None and columns > width:
        if len(indices) and int(indices.max()) >= width:
            position = int(np.argmax(indices >= width))
            row = int(np.searchsorted(indptr, position, side="right")) - 1
            raise ValueError(f"{name}: row {row}: expected columns below {width}, found {indices[position]}")
    return indptr, indices, columns if width is None else width


def _indicator(matrix: Any, name: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any], int]:
    from scipy import sparse

    matrix = canonical(sparse.csr_matrix(matrix) if not sparse.issparse(matrix) else matrix.tocsr())
    wrong = np.flatnonzero((matrix.data != 0) & (matrix.data != 1))
    if len(wrong):
        row = int(np.searchsorted(matrix.indptr, wrong[0], side="right")) - 1
        raise ValueError(f"{name}: row {row}: expected 0 or 1, found {matrix.data[wrong[0]]}")
    if not matrix.data.all():
        matrix = matrix.copy()
        matrix.eliminate_zeros()
    return matrix.indptr, matrix.indices, int(matrix.shape[1])


def is_lists(labels: Any) -> bool:
    """Whether these are lists of labels, one for each example, and no vector or matrix."""
    if isinstance(labels, np.ndarray) and labels.dtype != object or not isinstance(labels, (Sequence, np.ndarray)):
        return False
    if isinstance(labels, (str, bytes)):
        return False
    return any(isinstance(entry, (list, tuple, set, frozenset, np.ndarray)) for entry in labels[:1])


def of_lists(rows: Iterable[Iterable[Any]], name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """`indptr` and `indices` of lists of columns: each a set."""
    ends: list[int] = [0]
    found: list[Any] = []
    for row, columns in enumerate(rows):
        try:
            found.extend(sorted(set(columns)))
        except TypeError:
            raise ValueError(f"{name}: row {row}: expected a list of columns, found {columns!r}") from None
        ends.append(len(found))
    return np.asarray(ends, dtype=np.int64), _columns(np.asarray(found if found else [], dtype=None), name)


def _columns(vector: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if vector.dtype.kind not in "iu" and len(vector):
        if vector.dtype.kind != "f" or not np.array_equal(vector, np.floor(vector)):
            raise ValueError(f"{name}: expected columns, which are whole numbers, found {vector.dtype}")
    if len(vector) and vector.min() < 0:
        raise ValueError(f"{name}: expected columns from 0, found {vector.min()}")
    return np.ascontiguousarray(vector, dtype=np.int64)
