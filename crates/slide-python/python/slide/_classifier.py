"""A scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from . import _matrix, _native, _targets
from ._dataset import Dataset
from ._training import Progress, settings, train

if TYPE_CHECKING:
    from ._dataset import Path
    from ._model import Model

#: Most labels for which all probabilities are computed.
MOST_CLASSES = 10_000


class SlideClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Extreme classification: a network and a sparse linear part whose scores are added.

    `y` is a vector of labels, a sparse or dense matrix of 0 and 1 of shape (examples, labels), or lists of labels of any hashable type.
    Features are best sparse and of float32: then they are not copied (see `slide.Dataset`). Settings are those of the program; None is
    the default, which may depend on the data.

    Parameters
    ----------
    model : {"both", "network", "linear"}, default 'both'
        Parts of the model: the network, the sparse linear part, or both with the sum of their scores.
    hidden : int or sequence of int, default 256
        Widths of the hidden layers, the sparse input layer's first, as in 256 or 512,128.
    loss : {"softmax", "bce"}, optional
        Loss of the output layer: softmax, or one sigmoid per label (binary cross-entropy) [default: bce, but softmax if nearly all
        labels are rare].
    dropout : float or (float, float), default (0.1, 0.3)
        Probabilities with which input features and hidden units are dropped in training; one number is for both.
    normalize : {"none", "l2"}, default 'l2'
        Scaling of the features of an example: none, or to Euclidean length 1.
    precision : {"f32", "bf16"}, default 'f32'
        Storage of the weights; arithmetic is always f32.
    optimizer : {"adam", "adamw", "sgd", "adagrad"}, default 'adam'
        Method by which weights are updated.
    epochs : int, optional
        Passes of the network over the training examples [default: 8, or as budget allows].
    budget : int, optional
        Most passes of both parts over the training examples, at least 3: what epochs and mining_rounds are chosen by if they are
        not given [default: 10].
    batch_size : int, optional
        Examples per batch; the last batch of an epoch may be smaller [default: a 150th of the examples, rounded to a power of two
        from 32 to 256].
    learning_rate : float, default 0.005
        Learning rate after the warm-up.
    schedule : {"constant", "linear", "cosine"}, default 'linear'
        What the learning rate does after the warm-up.
    warmup : float, default 0.05
        Share of all batches over which the learning rate rises linearly from 0.
    seed : int, default 42
        Seed of every random number.
    beta1 : float, optional
        Decay of the first moment [default: 0.9] [optimizer: adam, adamw].
    beta2 : float, optional
        Decay of the second moment [default: 0.999] [optimizer: adam, adamw].
    epsilon : float, optional
        Number added to the denominator of a step [default: 1e-08] [optimizer: adam, adamw, adagrad].
    moments : {"frozen", "catch-up"}, optional
        State of rows that a batch does not touch: unchanged (frozen), or decaying as if touched (catch-up) [default: frozen]
        [optimizer: adam, adamw, sgd].
    weight_decay : float, optional
        Weight decay: a batch takes away this share of a row that it touches, times the learning rate [default: 0.01] [optimizer:
        adamw, sgd, adagrad].
    momentum : float, optional
        Decay of the velocity; 0 is plain gradient descent [default: 0.9] [optimizer: sgd].
    nesterov : bool, optional
        Whether the gradient is taken ahead of the velocity (Nesterov) [default: False] [optimizer: sgd].
    sampler : {"shared", "exact", "random", "vanilla", "topk", "threshold"}, default 'shared'
        How the active output rows are chosen in training.
    active : int or float, optional
        Random rows per batch (shared) or active rows per example (other samplers): a count, or a share of the labels as in 0.005
        [default: 200] [sampler: shared, random, vanilla, topk, threshold].
    active_floor : int or float, optional
        Minimum number of active rows per example: random ones are added if hashing finds fewer [default: half of active] [sampler:
        vanilla, topk, threshold].
    active_ceiling : int or float, optional
        Maximum number of active rows per example; labels are never dropped [default: twice active] [sampler: vanilla, topk,
        threshold].
    rebuild : str, optional
        When the hash tables are rebuilt: never, constant:EVERY or exponential:FIRST:GROWTH, in batches [default:
        exponential:50:1.1] [sampler: vanilla, topk, threshold].
    min_matches : int, optional
        Buckets that an active row must share with the example [default: 2] [sampler: threshold].
    hash : {"simhash", "wta", "dwta", "minhash"}, optional
        Hash family [default: simhash].
    hash_bits : int, optional
        Bits of a hash code: a table has 2^BITS buckets. The literature counts elementary hashes, K; this is K times the family's
        bits a hash: 1 for simhash, 3 for the others [default: 9].
    tables : int, optional
        Hash tables (L) [default: 50].
    bucket_size : int, optional
        Maximum number of rows in a bucket [default: 128].
    bucket_policy : {"fifo", "reservoir"}, optional
        Which rows an overfull bucket keeps [default: fifo].
    center_rows : bool, optional
        Whether rows are hashed minus their mean row, which changes no ranking of rows: an example's logits all change by the same
        [default: False].
    cost : float, default 1.0
        Weight of the losses of the linear part against its regularisation (C of support vector machines).
    mining_rounds : int, optional
        Rounds in which the linear part looks for wrong labels that it scores high, each in a third of the examples [default: 4, or
        as budget allows].
    hard_negatives : int, default 60
        Wrong labels that are found for an example in such a round, besides as many as it has labels.
    prune : float, default 0.15
        Smallest absolute weight of the linear part that is kept, of a feature with values of the usual size; of features with
        larger values smaller ones are kept too, of others only larger ones.
    index : {"auto", "always", "never"}, default 'auto'
        Whether the model gets an index of its labels, by which the network finds labels without scoring all; auto: from 20,000
        labels on, if there is no linear part to find them.
    index_recall : float, default 0.99
        Share of the five best labels that the index must find, on examples that it has not learnt from.
    index_queries : int, optional
        Training examples that the index learns from [default: a third of them, but 10000 to 40000 if there are as many].
    index_lists : int, optional
        Lists that the index puts labels into [default: a 192nd of the labels, about].
    threads : int, optional
        By default one for each core. The result does not depend on it.
    verbose : int
        1: a progress bar if tqdm is installed, else lines for the logger "slide" (level INFO).
    checkpoint : path-like, optional
        Where to write checkpoints: when interrupted, when the network is done, and
    checkpoint_every : int, optional
        every so many batches.

    Attributes
    ----------
    classes_ : ndarray of shape (labels,)
        The label of each column of a score.
    model_ : slide.Model
        What was trained: `model_.save` writes the program's file, without the names of labels.
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of str
        Their names, where `X` had names.

    Examples
    --------
    >>> import numpy, slide
    >>> X = numpy.repeat(numpy.eye(4, dtype=numpy.float32), 10, axis=0)
    >>> y = [["a"], ["b"], ["a", "c"], ["d"]]
    >>> classifier = slide.SlideClassifier(seed=1).fit(X, [labels for labels in y for _ in range(10)])
    >>> labels, scores = classifier.predict_topk(X[20:21], k=2)
    """

    def __init__(
        self,
        hidden: Any = 256,
        *,
        model: str = "both",
        loss: str | None = None,
        dropout: Any = (0.1, 0.3),
        normalize: str = "l2",
        precision: str = "f32",
        optimizer: str = "adam",
        epochs: int | None = None,
        budget: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.005,
        schedule: str = "linear",
        warmup: float = 0.05,
        seed: int = 42,
        beta1: float | None = None,
        beta2: float | None = None,
        epsilon: float | None = None,
        moments: str | None = None,
        weight_decay: float | None = None,
        momentum: float | None = None,
        nesterov: bool | None = None,
        sampler: str = "shared",
        active: Any = None,
        active_floor: Any = None,
        active_ceiling: Any = None,
        rebuild: str | None = None,
        min_matches: int | None = None,
        hash: str | None = None,
        hash_bits: int | None = None,
        tables: int | None = None,
        bucket_size: int | None = None,
        bucket_policy: str | None = None,
        center_rows: bool | None = None,
        cost: float = 1.0,
        mining_rounds: int | None = None,
        hard_negatives: int = 60,
        prune: float = 0.15,
        index: str = "auto",
        index_recall: float = 0.99,
        index_queries: int | None = None,
        index_lists: int | None = None,
        threads: int | None = None,
        verbose: int = 0,
        checkpoint: Path | None = None,
        checkpoint_every: int | None = None,
    ) -> None:
        self.hidden = hidden
        self.model = model
        self.loss = loss
        self.dropout = dropout
        self.normalize = normalize
        self.precision = precision
        self.optimizer = optimizer
        self.epochs = epochs
        self.budget = budget
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warmup = warmup
        self.seed = seed
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.moments = moments
        self.weight_decay = weight_decay
        self.momentum = momentum
        self.nesterov = nesterov
        self.sampler = sampler
        self.active = active
        self.active_floor = active_floor
        self.active_ceiling = active_ceiling
        self.rebuild = rebuild
        self.min_matches = min_matches
        self.hash = hash
        self.hash_bits = hash_bits
        self.tables = tables
        self.bucket_size = bucket_size
        self.bucket_policy = bucket_policy
        self.center_rows = center_rows
        self.cost = cost
        self.mining_rounds = mining_rounds
        self.hard_negatives = hard_negatives
        self.prune = prune
        self.index = index
        self.index_recall = index_recall
        self.index_queries = index_queries
        self.index_lists = index_lists
        self.threads = threads
        self.verbose = verbose
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        validation: tuple[Any, Any] | None = None,
        callback: Callable[[Progress], Any] | None = None,
        resume: Path | None = None,
    ) -> SlideClassifier:
        """Trains.

        Parameters
        ----------
        X : sparse matrix or array-like of shape (examples, features)
        y : vector, matrix of shape (examples, labels) or lists of labels
        validation : (X, y), optional
            Examples for the metrics that the callback gets.
        callback : callable, optional
            As of `slide.train`.
        resume : path-like, optional
            A checkpoint of an interrupted call with the same arguments.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A wrong shape, value or setting: the message names it.
        KeyboardInterrupt
            After Ctrl-C, within a second.
        """
        self.__dict__.pop("_seen", None)
        X = self._checked(X, reset=True)
        return self._fit(X, _targets.encode(y), validation, callback, resume)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> SlideClassifier:
        """Trains anew on these examples and those of all earlier calls, which are kept.

        The result is that of `fit` on all examples. Each call costs as much as that, so few calls with many examples are best.

        Parameters
        ----------
        X, y
            As for `fit`, `y` of the same kind in all calls.
        classes : array-like, optional
            In the first call: all labels of a vector `y` that will come.

        Returns
        -------
        self
        """
        from scipy import sparse

        seen: dict[str, Any] | None = self.__dict__.get("_seen")
        X = self._checked(X, reset=seen is None)
        if seen is None:
            known = None if classes is None else np.unique(np.asarray(classes))
            seen = {"X": X, "y": y, "classes": known}
        else:
            seen = {**seen, "X": sparse.vstack([seen["X"], X], format="csr"), "y": _targets.joined(seen["y"], y)}
        self._fit(seen["X"], _targets.encode(seen["y"], seen["classes"]), None, None, None)
        self._seen = seen
        return self

    def _fit(
        self,
        X: Any,
        target: _targets.Target,
        validation: tuple[Any, Any] | None,
        callback: Callable[[Progress], Any] | None,
        resume: Path | None,
    ) -> SlideClassifier:
        if len(target) != X.shape[0]:
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: X has {X.shape[0]} rows, y has {len(target)}"
            )
        width = len(target.classes)
        data = Dataset._of_parts(X, (target.indptr, target.indices, width))
        held_out = None
        if validation is not None:
            held_out = self._validation(validation, target)
        given = {name: getattr(self, name) for name in _SETTINGS} if resume is None else {}
        self.model_: Model = train(
            data,
            validation=held_out,
            callback=callback,
            verbose=self.verbose,
            threads=self.threads,
            checkpoint=self.checkpoint,
            checkpoint_every=self.checkpoint_every,
            resume=resume,
            **given,
        )
        self.classes_ = target.classes
        self._kind = target.kind
        lengths = np.diff(target.indptr)
        self._most_labels = int(lengths.max()) if len(lengths) else 0
        return self

    def _validation(self, validation: tuple[Any, Any], target: _targets.Target) -> Dataset:
        X, other = self._checked(validation[0], reset=False), _targets.encode(validation[1])
        check_consistent_length(X, other)
        columns = {label: column for column, label in enumerate(target.classes.tolist())}
        # Labels that training does not have get columns behind: they count as misses.
        codes = np.array([columns.setdefault(label, len(columns)) for label in other.classes.tolist()], dtype=np.int64)
        indices = codes[other.indices]
        for start, end in zip(other.indptr, other.indptr[1:]):
            indices[start:end].sort()
        return Dataset._of_parts(X, (other.indptr, indices, len(columns)))

    def _checked(self, X: Any, *, reset: bool) -> Any:
        """`X` as the engine wants it, of the width that it had in `fit`."""
        options: dict[str, Any] = {"accept_sparse": "csr", "dtype": "numeric"}
        try:
            from sklearn.utils.validation import validate_data
        except ImportError:  # scikit-learn before 1.6
            X = self._validate_data(X, reset=reset, force_all_finite=False, **options)
        else:
            X = validate_data(self, X, reset=reset, ensure_all_finite=False, **options)
        return _matrix.features(X)

    def predict_topk(self, X: Any, k: int = 5, *, output: str = "arrays") -> Any:
        """The best labels of each example.

        Parameters
        ----------
        X : sparse matrix or array-like of shape (examples, features)
        k : int
            Labels for each example, at most as many as there are.
        output : {"arrays", "csr"}

        Returns
        -------
        labels : ndarray of shape (examples, k)
            Labels as in `classes_`, best first; where there are fewer than k, None of labels that are objects, else the first label,
            with a score of 0.
        scores : ndarray of shape (examples, k), float32
            Their probabilities.

            With ``output="csr"`` instead of both a `scipy.sparse.csr_matrix` of shape (examples, labels) with the probabilities.
        """
        model = self._fitted()
        plain = _matrix.is_plain(X) and X.shape[1] == model.features and not hasattr(self, "feature_names_in_")
        if not plain:
            X = self._checked(X, reset=False)
        k = min(k, len(self.classes_))
        found = model.predict_topk(X, k, output=output)
        if output == "csr":
            return found
        columns, scores = found
        missing = columns < 0
        if not missing.any():
            return self.classes_[columns], scores
        labels = self.classes_[np.where(missing, 0, columns)]
        if labels.dtype == object:
            labels[missing] = None
        return labels, scores

    def predict(self, X: Any) -> Any:
        """The labels of each example.

        Parameters
        ----------
        X : sparse matrix or array-like of shape (examples, features)

        Returns
        -------
        labels
            Of the kind that `y` was in `fit`: a vector with the best label of each example, or a matrix or lists with the labels of a
            probability of at least a half.
        """
        model = self._fitted()
        X = self._checked(X, reset=False)
        count = len(self.classes_)
        if self._kind == "vector":
            if count <= MOST_CLASSES:
                return self.classes_[self._probabilities(X).argmax(axis=1)]
            columns, _ = model.predict_topk(X, 1)
            return self.classes_[np.maximum(columns[:, 0], 0)]
        k = count if count <= MOST_CLASSES else min(count, 4 * self._most_labels + 10)
        columns, scores = model.predict_topk(X, k, retrieval=self._retrieval())
        chosen = (columns >= 0) & (scores >= 0.5)
        if self._kind == "lists":
            return [self.classes_[row[mask]].tolist() for row, mask in zip(columns, chosen)]
        from ._model import _to_csr

        matrix = _to_csr(np.where(chosen, columns, -1), scores, count)
        matrix.data = np.ones(len(matrix.data), dtype=np.int64)
        return matrix if self._kind == "sparse" else matrix.toarray()

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """The probability of each label.

        Parameters
        ----------
        X : sparse matrix or array-like of shape (examples, features)

        Returns
        -------
        probabilities : ndarray of shape (examples, labels)
            If `y` was a vector, rows have the sum 1.

        Raises
        ------
        ValueError
            There are more than 10,000 labels: use `predict_topk`.
        """
        self._fitted()
        probabilities = self._probabilities(self._checked(X, reset=False))
        if self._kind == "vector":
            sums = probabilities.sum(axis=1, keepdims=True)
            flat = np.full_like(probabilities, 1 / len(self.classes_))
            probabilities = np.divide(probabilities, sums, out=flat, where=sums > 0)
        return probabilities

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """The log-odds of each label.

        Parameters
        ----------
        X : sparse matrix or array-like of shape (examples, features)

        Returns
        -------
        scores : ndarray of shape (examples, labels)
            For a vector `y` of two labels of shape (examples,): the log-odds of the second one as `predict_proba` has it.

        Raises
        ------
        ValueError
            There are more than 10,000 labels: use `predict_topk`.
        """
        self._fitted()
        probabilities = np.clip(self._probabilities(self._checked(X, reset=False)), 1e-30, 1 - 1e-9)
        logarithms = np.log(probabilities)
        if self._kind == "vector" and len(self.classes_) == 2:
            ratio: npt.NDArray[np.float64] = logarithms[:, 1] - logarithms[:, 0]
            return ratio
        odds: npt.NDArray[np.float64] = logarithms - np.log1p(-probabilities)
        return odds

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """P@1, the share of the examples whose best label is one of theirs: for a vector `y` the accuracy.

        Parameters
        ----------
        X : sparse matrix or array-like of shape (examples, features)
        y : as for `fit`
        sample_weight : array-like of shape (examples,), optional
        """
        self._fitted()
        if self._kind == "vector":
            return float(super().score(X, y, sample_weight))
        X, target = self._checked(X, reset=False), _targets.encode(y)
        if len(target) != X.shape[0]:
            raise ValueError(f"y: expected {X.shape[0]} rows, as X has, found {len(target)}")
        columns, _ = self.model_.predict_topk(X, 1)
        known = {label: column for column, label in enumerate(self.classes_.tolist())}
        codes = np.array([known.get(label, -2) for label in target.classes.tolist()], dtype=np.int64)
        rows = np.repeat(np.arange(len(target)), np.diff(target.indptr))
        hits = np.zeros(len(target))
        hits[rows[codes[target.indices] == columns[rows, 0]]] = 1
        return float(np.average(hits, weights=sample_weight))

    def _probabilities(self, X: Any) -> npt.NDArray[np.float64]:
        count = len(self.classes_)
        if count > MOST_CLASSES:
            raise ValueError(f"probabilities of {count} labels, expected at most {MOST_CLASSES}: use predict_topk")
        columns, scores = self.model_.predict_topk(X, count, retrieval=self._retrieval())
        probabilities = np.zeros((X.shape[0], count))
        present = columns >= 0
        probabilities[np.nonzero(present)[0], columns[present]] = scores[present]
        return probabilities

    def _retrieval(self) -> str:
        return "exact" if len(self.classes_) <= MOST_CLASSES else "auto"

    def _fitted(self) -> Model:
        try:
            return self.model_
        except AttributeError:
            check_is_fitted(self, "model_")
            raise NotFittedError from None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags

    def _more_tags(self) -> dict[str, Any]:  # scikit-learn before 1.6
        return {"multilabel": True, "X_types": ["2darray", "sparse"]}


_SETTINGS: Iterable[str] = tuple(settings())
