"""The compiled module. Private: the package's other modules have the interface."""

import os
from collections.abc import Callable
from typing import Any, Union

import numpy as np
import numpy.typing as npt

Path = Union[str, "os.PathLike[str]"]
Integers = npt.NDArray[Any]

VERSION: str

class Dataset:
    @staticmethod
    def of_arrays(
        features: tuple[Integers, Integers, npt.NDArray[np.float32], int], labels: tuple[Integers, Integers, int]
    ) -> Dataset: ...
    @staticmethod
    def read(
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
    ) -> Dataset: ...
    def write(self, path: Path, format: str | None = None) -> None: ...
    def hold_out(self, share: float, seed: int) -> tuple[Dataset, Dataset]: ...
    def select(self, examples: list[int]) -> Dataset: ...
    def arrays(
        self,
    ) -> tuple[
        npt.NDArray[np.uint64],
        npt.NDArray[np.uint32],
        npt.NDArray[np.float32],
        npt.NDArray[np.uint64],
        npt.NDArray[np.uint32],
    ]: ...
    @property
    def examples(self) -> int: ...
    @property
    def features(self) -> int: ...
    @property
    def labels(self) -> int: ...
    @property
    def entries(self) -> tuple[int, int]: ...
    @property
    def copied_bytes(self) -> int: ...

class Model:
    @staticmethod
    def load(path: Path, *, map: bool = True, threads: int | None = None) -> Model: ...
    @staticmethod
    def of_bytes(content: bytes, threads: int | None = None) -> Model: ...
    def save(self, path: Path) -> None: ...
    def to_bytes(self) -> bytes: ...
    def predict(
        self,
        indptr: Integers,
        indices: Integers,
        values: npt.NDArray[np.float32],
        k: int,
        part: str,
        retrieval: str,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]] | None: ...
    def quantized(self, to: str, input_bits: str, prune: float) -> Model: ...
    def indexed(
        self, data: Dataset, recall: float | None = None, queries: int | None = None, lists: int | None = None
    ) -> Model: ...
    @property
    def index_report(self) -> str | None: ...
    @property
    def settings(self) -> list[tuple[str, str]]: ...
    @property
    def features(self) -> int: ...
    @property
    def labels(self) -> int: ...
    @property
    def known_labels(self) -> npt.NDArray[np.uint32]: ...
    @property
    def label_frequencies(self) -> npt.NDArray[np.uint32]: ...
    @property
    def examples(self) -> int: ...
    @property
    def parameters(self) -> int: ...
    @property
    def has_network(self) -> bool: ...
    @property
    def has_linear(self) -> bool: ...
    @property
    def is_resumable(self) -> bool: ...
    @property
    def threads(self) -> int: ...

def evaluate(
    model: Model,
    data: Dataset,
    *,
    cutoffs: list[int],
    filter: Path | None = None,
    reference: Model | None = None,
    propensity: tuple[float, float] | None = None,
    part: str = "both",
    retrieval: str = "auto",
) -> str: ...
def train(
    data: Dataset,
    changes: list[tuple[str, str]],
    *,
    validation: Dataset | None = None,
    cutoffs: list[int] = ...,
    callback: Callable[[str], bool] | None = None,
    threads: int | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int | None = None,
    resume: Path | None = None,
    epochs: int | None = None,
    plan: Plan | None = None,
    full_precision: bool = False,
) -> Model: ...

class Table:
    def __init__(self, names: list[str], columns: list[list[str]]) -> None: ...

class Plan:
    @property
    def data(self) -> Dataset: ...
    @property
    def report(self) -> str: ...

def plan(
    table: Table,
    target: str,
    changes: list[tuple[str, str]],
    *,
    text: list[str] = ...,
    columns: list[tuple[str, str, str | None]] = ...,
    crosses: list[tuple[str, str]] = ...,
    word_ngrams: int | None = None,
    char_ngrams: tuple[int, int] | None = None,
    pair_window: int = 0,
    weighting: str | None = None,
    min_rows: int | None = None,
    balance: bool = False,
    threads: int | None = None,
) -> Plan: ...
def table_columns(model: Model) -> list[str] | None: ...
def label_names(model: Model) -> list[str] | None: ...
def predict_rows(model: Model, rows: Table, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]: ...
def explain_row(
    model: Model, row: Table, label: str | None = None
) -> tuple[str, float | None, float, float, list[tuple[str, float]]]: ...
def read_names(path: Path, count: int | None = None) -> list[str]: ...
def settings() -> list[dict[str, Any]]: ...
def machine() -> tuple[list[str], str]: ...
