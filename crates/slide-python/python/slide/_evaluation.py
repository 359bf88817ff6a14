"""Metrics of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _native

if TYPE_CHECKING:
    from ._dataset import Dataset, Path
    from ._model import Model


@dataclass(frozen=True)
class Evaluation:
    """Metrics from 0 to 1, by cutoff: `evaluation.precision[5]` is P@5.

    Attributes
    ----------
    examples, examples_without_labels : int
        An example without labels counts as 0 in all metrics.
    precision, ndcg, psp, recall : dict of int to float
        P@k, nDCG@k, PSP@k (propensity-scored precision) and R@k.
    calibration_error : float
        How far probabilities are from the shares that are right (expected calibration error).
    label_groups : list of dict
        Macro averages over frequent and rare labels.
    unknown : dict of str to int
        What the data have that the model does not.
    """

    examples: int
    examples_without_labels: int
    precision: dict[int, float]
    ndcg: dict[int, float]
    psp: dict[int, float]
    recall: dict[int, float]
    calibration_error: float = 0.0
    label_groups: list[dict[str, Any]] = field(default_factory=list, repr=False)
    unknown: dict[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def _of(cls, content: dict[str, Any]) -> Evaluation:
        metrics = content["metrics"]

        def of(name: str) -> dict[int, float]:
            return {at["k"]: at[name] for at in metrics["at"] if at[name] is not None}

        return cls(
            metrics["examples"],
            metrics["examples_without_labels"],
            of("precision"),
            of("ndcg"),
            of("psp"),
            of("recall"),
            content["calibration_error"],
            content["label_groups"],
            content["unknown"],
        )

    def __str__(self) -> str:
        rows = [("P", self.precision), ("nDCG", self.ndcg), ("PSP", self.psp), ("R", self.recall)]
        lines = ["percent" + "".join(f"{f'@{k}':>8}" for k in self.precision)]
        lines += [f"{name:7}" + "".join(f"{100 * value:8.2f}" for value in of.values()) for name, of in rows if of]
        return "\n".join(lines)


def evaluate(
    model: Model,
    data: Dataset,
    k: Sequence[int] = (1, 3, 5),
    *,
    filter: Path | None = None,
    reference: Model | None = None,
    propensity: tuple[float, float] | None = None,
    part: str = "both",
    retrieval: str = "auto",
) -> Evaluation:
    """Predicts all examples and compares with their labels.

    Parameters
    ----------
    model : Model
    data : Dataset
        Features that the model does not know are ignored, labels that it does not know are misses.
    k : sequence of int
        Cutoffs.
    filter : path-like, optional
        File of pairs of example and label that are taken out of the predictions.
    reference : Model, optional
        Whose training examples give the propensities; by default the model's own.
    propensity : (float, float), optional
        Constants A and B of the propensities; by default 0.55 and 1.5.
    part : {"both", "network", "linear"}
        Parts of the model that are used.
    retrieval : {"auto", "exact", "linear", "index", "lsh"}
        How the labels are found that are scored.

    Raises
    ------
    ValueError
        Impossible cutoffs or constants, or a part or an index that the model does not have.
    """
    text = _native.evaluate(
        model._engine,
        data._engine,
        cutoffs=[int(cutoff) for cutoff in k],
        filter=filter,
        reference=None if reference is None else reference._engine,
        propensity=propensity,
        part=part,
        retrieval=retrieval,
    )
    return Evaluation._of(json.loads(text))
