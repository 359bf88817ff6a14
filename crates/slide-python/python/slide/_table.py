"""Texts and tables of Python as columns of strings."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

from . import _native

#: Separates the values of a list in a field.
LIST = "\x1f"


def of(X: Any, columns: list[str] | None = None, more: dict[str, list[str]] | None = None) -> _native.Table:
    """Texts, a table of pandas or polars, or a dict of columns, with `more` columns of strings.

    `columns` are those that a model wants: a list of texts is the only one of them. Without any it is called "text".
    """
    found = named(X, columns or [])
    lengths = {name: len(column) for name, column in found.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"X: expected columns of one length, found {lengths}")
    for name, column in (more or {}).items():
        rows = next(iter(lengths.values()), 0)
        if len(column) != rows:
            raise ValueError(f"y: expected {rows} labels, as X has rows, found {len(column)}")
        found[name] = column
    return _native.Table(list(found), list(found.values()))


def named(X: Any, columns: list[str]) -> dict[str, list[str]]:
    """The columns of `X` by their names, as strings."""
    if isinstance(X, Mapping):
        return {str(name): strings(column, str(name)) for name, column in X.items()}
    if hasattr(X, "columns"):  # a table of pandas or polars
        return {str(name): strings(X[name], str(name)) for name in X.columns}
    if isinstance(X, (str, bytes)):
        raise ValueError("X: expected a list of texts, found one text")
    if getattr(X, "ndim", 1) != 1:
        raise ValueError(f"X: expected a list of texts, a table of pandas or polars, or a dict of columns, found {type(X).__name__}")
    if len(columns) > 1:
        raise ValueError(f"X: expected the columns {', '.join(columns)}, found a list")
    return {columns[0] if columns else "text": strings(X, "X")}


def strings(column: Any, name: str) -> list[str]:
    """The values of a column as a file has them; missing ones are empty."""
    if hasattr(column, "to_list"):
        column = column.to_list()
    elif hasattr(column, "tolist"):
        column = column.tolist()
    return [value if type(value) is str else string(value, name, row) for row, value in enumerate(column)]


def string(value: Any, name: str, row: int) -> str:
    if value is None or value != value:  # NaN, NaT
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return LIST.join(string(one, name, row) for one in (sorted(value) if isinstance(value, (set, frozenset)) else value))
    if hasattr(value, "item"):  # numpy's
        return string(value.item(), name, row)
    if type(value).__name__ == "NAType":
        return ""
    raise ValueError(f"X: row {row}: expected text, a number, a date or a list in {name}, found {type(value).__name__}")
