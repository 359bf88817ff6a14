"""Data and programs of the tests."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from scipy import sparse

import slide


def matrix(rows=400, columns=60, labels=12, seed=0):
    """Features, and labels that follow from them."""
    random = np.random.default_rng(seed)
    weights = random.normal(size=(columns, labels))
    dense = random.random((rows, columns)) * (random.random((rows, columns)) < 0.2)
    X = sparse.csr_matrix(dense.astype(np.float32))
    scores = X @ weights
    Y = sparse.csr_matrix((scores >= np.sort(scores, axis=1)[:, -2:-1]).astype(np.int8))
    return X, Y


@pytest.fixture(scope="session")
def data():
    return matrix()


@pytest.fixture(scope="session")
def model(data):
    return slide.train(slide.Dataset(*data), epochs=3)


@pytest.fixture(scope="session")
def program():
    """The program `slide`: SLIDE_PROGRAM names it."""
    path = os.environ.get("SLIDE_PROGRAM")
    if path is None:
        pytest.skip("SLIDE_PROGRAM does not name the program")
    return path


def run(code, **environment):
    """What a program in a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
