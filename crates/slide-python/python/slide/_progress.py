"""Progress for people: a bar of tqdm where it is installed, else lines for the logger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._training import logger

if TYPE_CHECKING:
    from ._training import Progress


class Display:
    """A callback of `slide.train`."""

    def __init__(self) -> None:
        self._bar: Any = None
        try:
            from tqdm.auto import tqdm
        except ImportError:
            self._tqdm: Any = None
        else:
            self._tqdm = tqdm

    def __call__(self, progress: Progress) -> bool:
        if progress.event in ("batch", "epoch"):
            self._show("network", progress.examples_done, progress.examples_total, f"loss {progress.epoch_loss:.4f}")
        elif progress.event == "round":
            self._show("linear part", progress.round, progress.rounds, f"{progress.weights} weights")
        if progress.event in ("epoch", "finished"):
            self._say(progress)
        elif self._tqdm is None and progress.event == "round":
            logger.info("round %d of %d: %d weights", progress.round, progress.rounds, progress.weights)
        return False

    def _show(self, what: str, done: int, total: int, note: str) -> None:
        if self._tqdm is None:
            return
        if self._bar is None or self._bar.desc != what:
            self.close()
            self._bar = self._tqdm(total=total, desc=what)
            self._bar.desc = what
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def _say(self, progress: Progress) -> None:
        parts = []
        if progress.event == "epoch":
            parts.append(f"epoch {progress.epoch} of {progress.epochs}: loss {progress.epoch_loss:.4f}")
        if progress.evaluation is not None:
            parts += [f"P@{k} {100 * value:.2f} %" for k, value in progress.evaluation.precision.items()]
        if parts and (self._tqdm is None or progress.evaluation is not None):
            logger.info("%s", ", ".join(parts))

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
