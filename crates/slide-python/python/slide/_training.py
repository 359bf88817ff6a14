"""Training."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _native
from ._evaluation import Evaluation
from ._model import Model

if TYPE_CHECKING:
    from ._dataset import Dataset, Path

logger = logging.getLogger("slide")


@dataclass(frozen=True)
class Progress:
    """What has happened in a training.

    Attributes
    ----------
    event : {"batch", "epoch", "round", "index", "finished"}
        "batch" is a batch of the network, told of at most ten times a second; "epoch" the last batch of an epoch; "round" a
        round of the linear part, which begins when the network is done; "index" the building of an index;
        "finished" the end, with validation data only.
    epoch, epochs, step, steps, examples_done, examples_total : int
        Of the network: epochs and batches from 1, and examples over all epochs.
    loss, epoch_loss, learning_rate : float
        Mean loss of the batch and of the epoch so far.
    round, rounds, pairs, weights : int
        Of the linear part: rounds from 1, pairs of label and example trained on, weights kept.
    evaluation : Evaluation or None
        Metrics on the validation data, after each epoch (of the network alone, while the linear part is missing) and at the end.
    index : dict or None
        What the index finds.
    """

    event: str
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    examples_done: int = 0
    examples_total: int = 0
    loss: float = 0.0
    epoch_loss: float = 0.0
    learning_rate: float = 0.0
    round: int = 0
    rounds: int = 0
    pairs: int = 0
    weights: int = 0
    evaluation: Evaluation | None = None
    index: dict[str, Any] | None = None


def settings() -> dict[str, dict[str, Any]]:
    """Every setting of a training: by name its section, help, default, choices, and the samplers or optimizers that have it."""
    found = _native.settings()
    for setting in found:
        default = setting["default"]
        setting["default"] = None if default is None else json.loads(default)
    return {setting.pop("name"): setting for setting in found}


def setting_text(value: Any) -> str:
    """A value as the program takes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):  # numpy's too
        return "true" if value else "false"
    if isinstance(value, (list, tuple)) or hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1:
        return ",".join(setting_text(entry) for entry in value)
    if hasattr(value, "__index__"):
        return str(value.__index__())
    return repr(float(value))


def given_settings(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def changes(given: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, setting_text(value)) for name, value in given.items()]


def train(
    data: Dataset,
    *,
    validation: Dataset | None = None,
    k: Sequence[int] = (1, 3, 5),
    callback: Callable[[Progress], Any] | None = None,
    verbose: int = 0,
    threads: int | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int | None = None,
    resume: Path | None = None,
    **settings: Any,
) -> Model:
    """Trains a model.

    Ctrl-C raises `KeyboardInterrupt` within a second, and writes a checkpoint first if there is a path for it; what a round of the linear
    part has begun may go on in the background until the round ends.

    Parameters
    ----------
    data : Dataset
        Training examples.
    validation : Dataset, optional
        Examples for the metrics that the callback gets. Arrays of Python are copied.
    k : sequence of int
        Cutoffs of these metrics.
    callback : callable, optional
        Called with a `Progress`; training ends early if it returns a true value, with what was trained.
    verbose : int
        1: a progress bar if tqdm is installed, else lines for the logger "slide" (level INFO).
    threads : int, optional
        By default one for each core. The result does not depend on it.
    checkpoint : path-like, optional
        Where to write checkpoints: when interrupted, when the network is done, and
    checkpoint_every : int, optional
        every so many batches.
    resume : path-like, optional
        A checkpoint, whose training is continued with its settings on the same data, to the bits of a training that was not interrupted;
        or, with ``epochs=``, a checkpoint or a model that is trained for more epochs.
    **settings
        As `slide.settings` lists them: ``hidden=512``, ``epochs=15``, ``sampler="vanilla"``. None is the default.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        An unknown setting or an impossible value, no examples, or data that are not those of the checkpoint.
    ArithmeticError
        The loss is not finite any more.
    OSError
        A checkpoint cannot be read or written.
    """
    return _train(
        data,
        validation=validation,
        k=k,
        callback=callback,
        verbose=verbose,
        threads=threads,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        resume=resume,
        **settings,
    )


def _train(
    data: Dataset,
    *,
    plan: _native.Plan | None = None,
    full_precision: bool = False,
    validation: Dataset | None = None,
    k: Sequence[int] = (1, 3, 5),
    callback: Callable[[Progress], Any] | None = None,
    verbose: int = 0,
    threads: int | None = None,
    checkpoint: Path | None = None,
    checkpoint_every: int | None = None,
    resume: Path | None = None,
    **settings: Any,
) -> Model:
    """`train`, of a plan too, which has its own settings."""
    given = given_settings(settings)
    epochs = None
    if resume is not None:
        epochs = given.pop("epochs", None)
        if given:
            raise ValueError(f"resume: the settings are those of the checkpoint, found {', '.join(given)}")
    callbacks = [callback] if callback is not None else []
    display = None
    if verbose:
        from ._progress import Display

        display = Display()
        callbacks.append(display)

    def call(text: str) -> bool:
        content = json.loads(text)
        evaluation = content.get("evaluation")
        content["evaluation"] = None if evaluation is None else Evaluation._of(evaluation)
        progress = Progress(**content)
        return any([bool(callback(progress)) for callback in callbacks])

    try:
        native = _native.train(
            data._engine,
            changes(given),
            validation=None if validation is None else validation._engine,
            cutoffs=[int(cutoff) for cutoff in k],
            callback=call if callbacks else None,
            threads=threads,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            resume=resume,
            epochs=epochs,
            plan=plan,
            full_precision=full_precision,
        )
    finally:
        if display is not None:
            display.close()
    return Model._of(native, threads)
