"""Extreme classification on ordinary CPUs: fit, predict and evaluate from scipy and numpy.

>>> import slide
>>> classifier = slide.SlideClassifier(epochs=10)      # a scikit-learn classifier
>>> classifier.fit(X, Y).predict_topk(X_test, k=5)     # doctest: +SKIP

Texts and tables, without features to be made first:

>>> slide.TextClassifier().fit(texts, labels).predict(new_texts)             # doctest: +SKIP

And a lower level, with columns in place of labels:

>>> data = slide.Dataset.read("train.txt")             # or slide.Dataset(X, Y)
>>> model = slide.train(data)                          # doctest: +SKIP
>>> model.save("model.slide")                          # the file that the program `slide` reads and writes
>>> slide.evaluate(slide.Model.load("model.slide"), slide.Dataset.read("test.txt"))

For one data set and the same settings the model is that of the program, bit for bit, with any number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._dataset import Dataset, read_names
from ._evaluation import Evaluation, evaluate
from ._model import Explanation, Model
from ._native import VERSION as __version__
from ._native import machine
from ._training import Progress, settings, train

if TYPE_CHECKING:
    from ._classifier import SlideClassifier
    from ._text import TextClassifier

__all__ = [
    "Dataset",
    "Evaluation",
    "Explanation",
    "Model",
    "Progress",
    "SlideClassifier",
    "TextClassifier",
    "__version__",
    "evaluate",
    "machine",
    "read_names",
    "settings",
    "train",
]


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import, and only the classifiers need it.
    if name == "SlideClassifier":
        from ._classifier import SlideClassifier

        return SlideClassifier
    if name == "TextClassifier":
        from ._text import TextClassifier

        return TextClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
