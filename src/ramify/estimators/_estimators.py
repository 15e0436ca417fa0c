"""One model for many targets, with the conventions of scikit-learn."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    check_is_fitted,
    validate_data,
)

from ramify._core import InputError, check_number, check_seconds
from ramify.data import (
    LabelledRows,
    Split,
    SplitRule,
    Table,
    TableEncoder,
    open_table,
    read_features,
)
from ramify.estimators._targets import CLASSES, NUMBER, Target, targets_in
from ramify.networks import MLPSpec
from ramify.runs import TABLE_DEFAULT, Job, Model, Options, fit_strategy, prepare, strategy_named
from ramify.sharing import DEFAULT, Strategy
from ramify.tasks import SharingTree
from ramify.training import Training

_LEAST: Final = 3  # rows that can be divided at all
_FEWEST: Final = 10
_BATCH_ROWS: Final = 4096


class _HeldOut(SplitRule):
    """Some rows to choose by; of very few rows all. No row is kept for a test."""

    def __init__(self, share: float) -> None:
        self.share = share

    def split(self, table: Table, labelled: LabelledRows, rng: np.random.Generator) -> Split:
        """Divide the labelled rows."""
        del table
        n = len(labelled.rows)
        held = max(1, round(self.share * n))
        rows, chosen = labelled.rows, labelled.rows
        if n >= _FEWEST and n - held >= 2:
            rows, chosen = labelled.divided([n - held, held], rng)
        if not (len(rows) and len(chosen)):
            rows = chosen = labelled.rows
        return Split(rows, chosen, chosen, "at random, without a test side")


class _MultiTask(BaseEstimator):  # type: ignore[misc]
    """What the three estimators have in common."""

    classes_: Any
    target_names_: list[str]
    model_: Model | None

    def __init__(
        self,
        sharing: str | Strategy | None = None,
        *,
        hidden: Sequence[int] | None = None,
        dropout: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        training: Training | None = None,
        validation_fraction: float = 0.1,
        time_limit: float | str | None = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.sharing = sharing
        self.hidden = hidden
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.training = training
        self.validation_fraction = validation_fraction
        self.time_limit = time_limit
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:  # noqa: ANN401 - whatever scikit-learn takes
        """Learn all targets.

        Args:
            X: Array, sparse matrix or dataframe ``(row, feature)``; NaN where missing. A dataframe
                may hold words, dates and truth values, too.
            y: Array or dataframe ``(row,)`` or ``(row, target)``; NaN or None where not labelled.

        Raises:
            ValueError: If they do not fit each other or an argument.
        """
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, "
                "but the target y is None."
            )
        features = self._features(X, reset=True)
        found, self._is_single = targets_in(y, self._wanted_kinds())
        if len(found[0].codes) != features.height:
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: "
                f"{[features.height, len(found[0].codes)]}"
            )
        self._targets = found
        self.target_names_ = [target.name for target in found]
        self._set_classes()
        self._learn(features)
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: ANN401
        """The most likely class, or the number, of every row and target.

        Args:
            X: As for `fit`.

        Returns:
            ``(row,)`` after a fit to one target as a vector, else ``(row, target)``; of classes and
            numbers side by side an array of objects, unless all are numbers.
        """
        columns = [t.decided(o) for t, o in zip(self._targets_of(), self._outputs(X), strict=True)]
        if self._is_single:
            return columns[0]
        kinds = {column.dtype.kind for column in columns}
        if kinds <= set("fiub") or len(kinds) == 1:
            return np.column_stack(columns)
        return np.column_stack([column.astype(object) for column in columns])

    def score(self, X: Any, y: Any) -> float:  # noqa: ANN401
        """Mean over targets of the accuracy, or of R² for numbers; rows without a label do not count.

        Args:
            X: As for `fit`.
            y: As for `fit`.
        """
        predicted = self.predict(X)
        columns = [predicted] if self._is_single else list(predicted.T)
        kinds = [NUMBER if target.labels is None else CLASSES for target in self._targets]
        scores = []
        for labels, column in zip(targets_in(y, kinds).columns, columns, strict=True):
            known = ~np.isnan(labels.codes)
            if labels.labels is None:
                scores.append(r2_score(labels.codes[known], column[known].astype(np.float64)))
            else:
                true = labels.labels[labels.codes[known].astype(np.int64)]
                scores.append(accuracy_score(true, column[known].astype(true.dtype)))
        return float(np.mean(scores))

    @property
    def tree_(self) -> SharingTree:
        """Which tasks share which stages."""
        check_is_fitted(self)
        if self.model_ is None:
            raise AttributeError("no target had anything to learn, so there is no tree")
        return self.model_.network.tree

    def __sklearn_tags__(self) -> Tags:
        """What the estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags

    def _wanted_kinds(self) -> Mapping[str, str] | Sequence[str] | str | None:
        raise NotImplementedError

    def _set_classes(self) -> None:
        raise NotImplementedError

    def _targets_of(self) -> list[Target]:
        check_is_fitted(self)
        return self._targets

    def _features(self, X: Any, *, reset: bool) -> pl.DataFrame:  # noqa: ANN401
        """The features as a table whose columns have names of our own."""
        if _has_words(X):
            _check_feature_names(self, X, reset=reset)
            _check_n_features(self, X, reset=reset)
            table = open_table(X)
            frame = table.frame.collect()
            if frame.width < len(table.columns):
                raise InputError("`X` must hold numbers, texts, dates or truth values only")
            return frame.rename({key: _key(i) for i, key in enumerate(frame.columns)})
        array = validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            ensure_min_samples=_LEAST if reset else 1,
        )
        if issparse(array):
            array = array.toarray()
        return pl.from_numpy(array, schema=[_key(i) for i in range(array.shape[1])])

    def _learn(self, features: pl.DataFrame) -> None:
        random = check_random_state(self.random_state)
        seed = int(random.randint(np.iinfo(np.int32).max))
        learned = [t for t in self._targets if not t.is_constant]
        self.model_ = None
        if not learned:
            return
        frame = features.hstack([target.series() for target in learned])
        table = replace(open_table(frame, "X"), has_index=False)
        options = Options(
            targets=[target.name for target in learned],
            kinds={target.name: target.kind for target in learned},
            split=_HeldOut(check_number("validation_fraction", self.validation_fraction)),
            sharing=self._strategy(seed),
            backbone=MLPSpec(
                None if self.hidden is None else tuple(self.hidden), self.dropout, None
            ),
            training=self._training(),
            batch_size=self.batch_size,
            seed=seed,
            device=self.device,
            baselines=(),
            time_limit=None
            if self.time_limit is None
            else check_seconds("time_limit", self.time_limit),
        )
        prepared = prepare(table, options)
        job = Job(prepared, options, tells_stability=False)
        job.check()
        fitted = fit_strategy(job).model
        assert fitted is not None  # it is what was asked for
        fitted = fitted.cpu()
        backbone = job.options.backbone if fitted.has_backbone else None
        self.model_ = Model(prepared.inputs.encoder, fitted, backbone)

    def _training(self) -> Training:
        if self.training is not None and self.epochs is not None:
            raise InputError(
                "must not go with `training`, which says the length", argument="epochs"
            )
        return self.training or Training(epochs=self.epochs)

    def _strategy(self, seed: int) -> Strategy:
        if isinstance(self.sharing, str):
            return strategy_named(self.sharing, seed)
        if self.sharing is not None:
            return self.sharing
        of_networks = (self.hidden, self.dropout, self.epochs, self.batch_size, self.training)
        if any(each is not None for each in of_networks):
            return DEFAULT(seed=seed)
        return strategy_named(TABLE_DEFAULT.name, seed)

    def _outputs(self, X: Any) -> list[NDArray[np.float64]]:  # noqa: ANN401
        """What the model says of each target, a column per output."""
        targets = self._targets_of()
        features = self._features(X, reset=False)
        nothing = np.zeros((features.height, 0))
        if self.model_ is None:
            return [nothing for _ in targets]
        values, tasks = _values(self.model_, features), self.model_.tasks
        starts = dict(zip(tasks.names, tasks.first_columns, strict=True))
        return [
            nothing
            if target.is_constant
            else values[:, starts[target.name] : starts[target.name] + target.kind.n_outputs]
            for target in targets
        ]


class MultiTaskEstimator(_MultiTask):
    """Learns all targets together, numbers and classes side by side, some labels missing.

    Args:
        sharing: The way of sharing: a word such as ``"cross-stitch"`` or ``"linear:clustered"``, or an
            object such as `ramify.FullyAdaptive`. None for an ensemble; where an argument of
            networks is given (the next four, or ``training``), for `FullyAdaptive`.
        hidden: Width of each stage of the network; None to suit the data.
        dropout: Share of hidden units dropped in training; None to suit the data.
        epochs: Passes over the rows; None for a length that follows from the data.
        batch_size: Rows per step; None to suit the data.
        training: All settings of a training, in place of ``epochs``.
        kinds: ``"classes"`` or ``"number"`` for all targets, for each in order, or by name; None to
            find out: words, truth values and few whole numbers are classes.
        validation_fraction: Share of the rows by which training stops and models are chosen.
        time_limit: For the fit, in seconds or as ``"5m"``; None for no limit.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        random_state: Seed, generator, or None.

    Attributes:
        classes_: For each target its classes, None of a number.
        target_names_: Names of the targets.
        tree_: Which tasks share which stages.
        model_: The fitted model; None if no target had anything to learn.
        n_features_in_: Columns of X.
        feature_names_in_: Their names, of a dataframe.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(80, 3))
        >>> Y = np.c_[X[:, 0] > 0, X[:, 1] * 2]
        >>> Y[rng.random(Y.shape) < 0.2] = np.nan  # not labelled
        >>> model = MultiTaskEstimator("hard", hidden=(8,), epochs=2, random_state=0).fit(X, Y)
        >>> model.predict(X).shape
        (80, 2)
    """

    def __init__(
        self,
        sharing: str | Strategy | None = None,
        *,
        hidden: Sequence[int] | None = None,
        dropout: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        training: Training | None = None,
        kinds: Mapping[str, str] | Sequence[str] | str | None = None,
        validation_fraction: float = 0.1,
        time_limit: float | str | None = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(
            sharing,
            hidden=hidden,
            dropout=dropout,
            epochs=epochs,
            batch_size=batch_size,
            training=training,
            validation_fraction=validation_fraction,
            time_limit=time_limit,
            device=device,
            random_state=random_state,
        )
        self.kinds = kinds

    def _wanted_kinds(self) -> Mapping[str, str] | Sequence[str] | str | None:
        return self.kinds

    def _set_classes(self) -> None:
        self.classes_ = [target.labels for target in self._targets]


class MultiTaskClassifier(ClassifierMixin, _MultiTask):  # type: ignore[misc]
    """Learns classes of several targets together; see `MultiTaskEstimator` for the arguments.

    Attributes:
        classes_: The classes; a list of them, one entry per target, after a fit to two dimensions.

    Example:
        >>> from sklearn.datasets import make_multilabel_classification
        >>> X, Y = make_multilabel_classification(60, n_classes=3, random_state=0)
        >>> model = MultiTaskClassifier("hard", hidden=(8,), epochs=2, random_state=0).fit(X, Y)
        >>> [p.shape for p in model.predict_proba(X)]
        [(60, 2), (60, 2), (60, 2)]
    """

    def predict_proba(self, X: Any) -> NDArray[np.float64] | list[NDArray[np.float64]]:  # noqa: ANN401
        """The probability of every class.

        Args:
            X: As for `fit`.

        Returns:
            ``(row, class)`` in the order of `classes_`; a list of them, one per target, after a fit
            to two dimensions.
        """
        found = [
            target.probabilities(outputs)
            for target, outputs in zip(self._targets_of(), self._outputs(X), strict=True)
        ]
        return found[0] if self._is_single else found

    score = _MultiTask.score  # that of the mixin knows no missing labels

    def _wanted_kinds(self) -> str:
        return CLASSES

    def _set_classes(self) -> None:
        labels = [target.labels for target in self._targets]
        self.classes_ = labels[0] if self._is_single else labels


class MultiTaskRegressor(RegressorMixin, _MultiTask):  # type: ignore[misc]
    """Learns numbers of several targets together; see `MultiTaskEstimator` for the arguments.

    Example:
        >>> from sklearn.datasets import make_regression
        >>> X, Y = make_regression(60, 4, n_targets=3, random_state=0)
        >>> MultiTaskRegressor("linear:trace-norm", random_state=0).fit(X, Y).predict(X).shape
        (60, 3)
    """

    score = _MultiTask.score  # that of the mixin knows no missing labels

    def _wanted_kinds(self) -> str:
        return NUMBER

    def _set_classes(self) -> None:
        pass


def _key(place: int) -> str:
    """What a feature is called beside the targets, whose names are the user's."""
    return f"column {place} of X"


def _has_words(X: Any) -> bool:  # noqa: ANN401
    """Whether it is a dataframe with columns of something else than numbers."""
    types = getattr(X, "dtypes", None)
    if types is None or not hasattr(X, "columns"):
        return False
    return any(not _is_number(each) for each in types)


def _is_number(dtype: Any) -> bool:  # noqa: ANN401 - of pandas or of polars
    kind = getattr(dtype, "kind", None)
    if kind is not None:
        return kind in "fiub"
    return bool(dtype.is_numeric()) if hasattr(dtype, "is_numeric") else False


def _values(model: Model, features: pl.DataFrame) -> NDArray[np.float64]:
    encoder = model.encoder
    assert isinstance(encoder, TableEncoder)  # it was fitted to a table
    raw = torch.from_numpy(read_features(open_table(features, "X"), encoder.schema))
    with torch.inference_mode():
        parts: list[NDArray[np.float64]] = [
            model(part.to(model.device)).double().cpu().numpy()
            for part in torch.split(raw, _BATCH_ROWS)
        ]
    return np.concatenate(parts)
