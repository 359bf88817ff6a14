"""What may be given as X and Y: nothing is copied that need not be, and errors name the argument, the row and the value."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

import slide


def same(one, other):
    return all(np.array_equal(a.toarray(), b.toarray()) for a, b in zip(one.to_csr(), other.to_csr()))


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_plain_matrices_are_not_copied(index):
    rows, per_row = 1000, 500
    columns = np.tile(np.arange(per_row, dtype=index), rows)
    indptr = np.arange(0, rows * per_row + 1, per_row, dtype=index)
    X = sparse.csr_matrix((np.ones(rows * per_row, dtype=np.float32), columns, indptr), shape=(rows, per_row), copy=False)
    # scipy chooses 32 bits where they are enough.
    X.indices, X.indptr = columns, indptr
    Y = sparse.csr_matrix(np.eye(rows, 7, dtype=np.int8))
    assert X.has_canonical_format and Y.has_canonical_format
    slide.Dataset(Y, Y)  # what is imported now takes memory too
    tracemalloc.start()
    data = slide.Dataset(X, Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000, "numpy has copied"
    of_indptr = 2 * 8 * (rows + 1)
    assert data.copied_bytes == of_indptr + (0 if index is np.int32 else 4 * X.nnz)
    X.data[0] = 7
    assert data.to_csr()[0][0, 0] == 7, "the memory is shared"
    X.data[0] = np.nan
    with pytest.raises(ValueError, match="X: row 0: expected value to be a finite value, found NaN"):
        slide.train(data, epochs=1)


def test_predictions_copy_nothing(model, data):
    X = data[0]
    assert X.has_canonical_format
    model.predict_topk(X)
    tracemalloc.start()
    labels, scores = model.predict_topk(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < labels.nbytes + scores.nbytes + 5_000


def test_other_matrices_are_converted(data):
    X, Y = data
    expected = slide.Dataset(X, Y)
    unsorted = sparse.csr_matrix((X.data[::-1].copy(), X.indices[::-1].copy(), X.nnz - X.indptr[::-1]), X.shape)[::-1]
    halves = sparse.coo_matrix(
        (np.repeat(X.data / 2, 2), (np.repeat(X.tocoo().row, 2), np.repeat(X.indices, 2))), X.shape
    )
    twice = sparse.csr_matrix((np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), X.indptr * 2), X.shape)
    strided = sparse.csr_matrix(X)
    strided.data = np.repeat(X.data, 2)[::2]
    kinds = [
        X.astype(np.float64), X.tocsc(), X.tocoo(), X.tolil(), X.todok(), sparse.csr_array(X), X.toarray(), X.toarray().tolist(),
        np.asfortranarray(X.toarray()), X.toarray().astype(object), unsorted, halves, twice, strided,
    ]
    for other in kinds:
        assert same(slide.Dataset(other, Y), expected), type(other)
    bits = X != 0
    assert same(slide.Dataset(bits, Y), slide.Dataset(bits.astype(np.float32), Y))
    whole = (X * 10).astype(np.int64)
    assert same(slide.Dataset(whole, Y), slide.Dataset(whole.astype(np.float32), Y))
    rows = [row.indices.tolist() for row in Y]
    for labels in (Y.toarray(), Y.astype(bool), Y.astype(float), Y.tocsc(), sparse.csr_array(Y), rows, [set(row) for row in rows]):
        assert same(slide.Dataset(X, labels, labels=Y.shape[1]), expected), type(labels)
    vector = np.arange(X.shape[0]) % 5
    assert same(slide.Dataset(X, vector), slide.Dataset(X, np.eye(5)[vector]))


def broken(change):
    X = sparse.csr_matrix(np.arange(1, 13, dtype=np.float32).reshape(3, 4))
    change(X)
    return X


def set_data(position, value):
    return lambda X: X.data.__setitem__(position, value)


def set_index(position, value):
    return lambda X: X.indices.__setitem__(position, value)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (broken(set_data(5, np.nan)), "X: row 1: .*finite value.*NaN"),
        (broken(set_data(5, np.inf)), "X: row 1: .*finite value.*inf"),
        (broken(set_data(5, np.nan)).astype(np.float64), "X: row 1: .*finite values.*NaN"),
        (broken(set_data(9, np.nan)).toarray(), "X: row 2: expected finite values, found NaN in column 1"),
        (np.array([[1.0], [1e300]]), "X: row 1: expected finite values of float32, found 1e.300"),
        (np.arange(3.0), "X: expected 2 dimensions, found 1"),
        (np.zeros((2, 2, 2)), "X: expected 2 dimensions, found 3"),
        (np.array([["a"]]), "X: expected numbers, found <U1"),
        (np.array([[1j]]), "X: expected numbers, found complex128"),
        ([[1.0], [1.0, 2.0]], "X: expected a matrix|X: .*"),
        (None, "X: expected 2 dimensions, found 0"),
    ],
)
def test_features_that_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        slide.Dataset(X)


@pytest.mark.parametrize(("position", "value"), [(5, 4), (5, -1)])
def test_columns_that_do_not_exist(position, value, model):
    X = broken(set_index(position, value))
    X.has_sorted_indices = X.has_canonical_format = True
    with pytest.raises(ValueError, match="X: row 1: expected column"):
        slide.Dataset(X)
    wide = sparse.csr_matrix((X.data, X.indices, X.indptr), shape=(3, 4))
    wide.indices[position] = model.features if value > 0 else value
    wide._shape = (3, model.features)
    with pytest.raises(ValueError, match="X: row 1: expected column"):
        model.predict_topk(wide)


@pytest.mark.parametrize(
    ("Y", "options", "message"),
    [
        (np.array([[0, 1], [0, 2], [0, 0]]), {}, "Y: row 1: expected 0 or 1, found 2"),
        (np.array([[0, 1], [0, np.nan], [0, 0]]), {}, "Y: row 1: expected 0 or 1, found nan"),
        ([[0], [1]], {}, "Y: expected 3 rows, as X has, found 2"),
        ([[0], [3], [1]], {"labels": 3}, "Y: row 1: expected columns below 3, found 3"),
        ([[0], [-1], [1]], {}, "Y: expected columns from 0, found -1"),
        ([[0], 5, [1]], {}, "Y: row 1: expected a list of columns, found 5"),
        ([0.5, 1, 1], {}, "Y: expected columns, which are whole numbers"),
    ],
)
def test_labels_that_are_refused(Y, options, message):
    with pytest.raises(ValueError, match=message):
        slide.Dataset(np.eye(3, dtype=np.float32), Y, **options)


def test_files(tmp_path, data):
    expected = slide.Dataset(*data)
    for name in ("a.txt", "a.txt.gz", "a.txt.zst", "a.svm", "a_X.npz"):
        expected.write(tmp_path / name)
        read = slide.Dataset.read(tmp_path / name, features=expected.features, labels=expected.labels)
        assert same(read, expected), name
    (tmp_path / "bad.txt").write_text("1 2 2\n0 0:x\n")
    with pytest.raises(ValueError, match=r"bad.txt:2:5: expected"):
        slide.Dataset.read(tmp_path / "bad.txt")
    with pytest.raises(FileNotFoundError, match="missing.txt"):
        slide.Dataset.read(tmp_path / "missing.txt")
    (tmp_path / "names.txt").write_text("a\nb c\n")
    assert slide.read_names(tmp_path / "names.txt") == ["a", "b c"]
    with pytest.raises(ValueError, match="expected 3 names"):
        slide.read_names(tmp_path / "names.txt", 3)
    rest, held_out = expected.hold_out(0.25)
    assert (len(rest), len(held_out)) == (300, 100)
    picked = expected.select([3, 1])
    assert np.array_equal(picked.to_csr()[0].toarray(), data[0][[3, 1]].toarray())
