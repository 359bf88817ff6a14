"""Data sets of files or of arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Union

from . import _native

Path = Union[str, "os.PathLike[str]"]


class Dataset:
    """Examples with sparse features and sets of labels.

    Parameters
    ----------
    X : sparse matrix or array-like of shape (examples, features)
        Features. Compressed rows (`scipy.sparse.csr_matrix`, `csr_array`) of float32 with int32 indices are not copied, but for
        `indptr`, which has a number for each example; of int64 indices a copy with 32 bits is made. The matrix must
        not be changed while the data set is in use. Anything else is converted once.
    Y : sparse or dense matrix of shape (examples, labels), lists of columns, or vector of columns
        Labels: 1 where the example has the label, else 0; or the columns of the labels of each example; or its only label.
    labels : int, optional
        Number of labels; by default the width of the matrix, or the largest column and one.

    Raises
    ------
    ValueError
        `X` or `Y` has a wrong shape, or a row has a wrong value: the message names the argument, the row and the value.

    Examples
    --------
    >>> import numpy, scipy.sparse, slide
    >>> X = scipy.sparse.csr_matrix(numpy.eye(3, dtype=numpy.float32))
    >>> slide.Dataset(X, [[0], [1, 2], []])
    Dataset(examples=3, features=3, labels=3)
    """

    __slots__ = ("_engine",)
    _engine: _native.Dataset

    def __init__(self, X: Any, Y: Any = None, *, labels: int | None = None) -> None:
        import numpy as np

        from . import _matrix

        X = _matrix.canonical(X) if _matrix.is_plain(X) else _matrix.features(X)
        rows = X.shape[0]
        if Y is None:
            label_parts = (np.zeros(rows + 1, dtype=np.int64), np.zeros(0, dtype=np.int32), labels or 0)
        else:
            label_parts = _matrix.labels(Y, labels)
        if len(label_parts[0]) != rows + 1:
            raise ValueError(f"Y: expected {rows} rows, as X has, found {len(label_parts[0]) - 1}")
        self._engine = _native.Dataset.of_arrays((X.indptr, X.indices, X.data, X.shape[1]), label_parts)

    @classmethod
    def _of_parts(cls, X: Any, labels: tuple[Any, Any, int]) -> Dataset:
        """Of a matrix that `_matrix.features` has returned, and `indptr`, `indices` and width of labels."""
        return cls._of(_native.Dataset.of_arrays((X.indptr, X.indices, X.data, X.shape[1]), labels))

    @classmethod
    def _of(cls, native: _native.Dataset) -> Dataset:
        data = cls.__new__(cls)
        data._engine = native
        return data

    @classmethod
    def read(
        cls,
        path: Path,
        *,
        format: str | None = None,
        features: int | None = None,
        labels: int | None = None,
        feature_base: int | None = None,
        label_base: int | None = None,
        label_file: Path | None = None,
        without_labels: bool = False,
        any_relevance: bool = False,
        threads: int | None = None,
    ) -> Dataset:
        """Reads a file in any format of the program, compressed or not.

        Parameters
        ----------
        path : path-like
            The file.
        format : {"xmc", "svmlight", "npz", "npy", "matrix"}, optional
            By default what the content says.
        features, labels : int, optional
            Widths, to match a model: a larger number in the file is an error.
        feature_base, label_base : {None, 0, 1, -1}
            The number of the first feature or label in svmlight files; None: as the file suggests.
        label_file : path-like, optional
            Labels of a file that has only features; by default they are looked for beside it.
        without_labels : bool
            There are no labels.
        any_relevance : bool
            In label matrices all values but 0 mean that the example has the label; by default others than 0 and 1 are an error.
        threads : int, optional
            Threads that parse; by default one for each core.

        Raises
        ------
        OSError
            The file cannot be read.
        ValueError
            It does not follow its format: the message has the line and the column.
        """
        native = _native.Dataset.read(
            path,
            format=format,
            features=features,
            labels=labels,
            feature_base=feature_base,
            label_base=label_base,
            label_file=label_file,
            without_labels=without_labels,
            any_relevance=any_relevance,
            threads=threads,
        )
        return cls._of(native)

    def write(self, path: Path, format: str | None = None) -> None:
        """Writes a file; `format` as for `read`, by default what the name suggests."""
        self._engine.write(path, format)

    def hold_out(self, share: float, seed: int = 42) -> tuple[Dataset, Dataset]:
        """Splits off a share of the examples, chosen at random by the seed: the rest, and those held out."""
        rest, held_out = self._engine.hold_out(share, seed)
        return self._of(rest), self._of(held_out)

    def select(self, examples: Iterable[int]) -> Dataset:
        """A data set of the given examples, in the given order, with copies of their features and labels."""
        return self._of(self._engine.select([int(example) for example in examples]))

    def to_csr(self) -> tuple[Any, Any]:
        """Copies of both matrices.

        Returns
        -------
        X : scipy.sparse.csr_matrix of shape (examples, features), float32
        Y : scipy.sparse.csr_matrix of shape (examples, labels), int8
        """
        import numpy as np
        from scipy import sparse

        feature_indptr, feature_indices, values, label_indptr, label_indices = self._engine.arrays()
        ones = np.ones(len(label_indices), dtype=np.int8)
        rows = len(self)
        X = sparse.csr_matrix((values, feature_indices.view(np.int32), feature_indptr.view(np.int64)), (rows, self.features))
        Y = sparse.csr_matrix((ones, label_indices.view(np.int32), label_indptr.view(np.int64)), (rows, self.labels))
        return X, Y

    @property
    def features(self) -> int:
        """Width of the feature matrix."""
        return self._engine.features

    @property
    def labels(self) -> int:
        """Width of the label matrix."""
        return self._engine.labels

    @property
    def copied_bytes(self) -> int:
        """Bytes of the arrays given to the engine that it has copied."""
        return self._engine.copied_bytes

    def __len__(self) -> int:
        return self._engine.examples

    def __repr__(self) -> str:
        return f"Dataset(examples={len(self)}, features={self.features}, labels={self.labels})"

    def __reduce__(self) -> tuple[Any, ...]:
        X, Y = self.to_csr()
        return _of_matrices, (X, Y)


def _of_matrices(X: Any, Y: Any) -> Dataset:
    return Dataset(X, Y)


def read_names(path: Path, count: int | None = None) -> list[str]:
    """Names of labels or features: a text file, compressed or not, with one a line, in the order of their columns.

    Parameters
    ----------
    path : path-like
    count : int, optional
        How many there must be.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is no UTF-8, or has more or fewer names.
    """
    return _native.read_names(path, count)
