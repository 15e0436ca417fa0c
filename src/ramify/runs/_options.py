"""Everything that decides what a run does, in one place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ramify._core import InputError, check_number, listed, quoted
from ramify.data import Augmentation, RandomSplit, SplitRule, StatedKind, split_names
from ramify.networks import BackboneSpec, DataFacts, MLPSpec
from ramify.records import Setting
from ramify.runs._auxiliary import Auxiliary
from ramify.sharing import BASELINES, DEFAULT, WITHOUT_AUXILIARY, Strategy
from ramify.training import Training

IMAGE_WEIGHT_DECAY = (
    0.05  # that of tables stands for the many bits of a molecule and is far too much
)


# Rows per step from so many training rows on. On 240,000 rows of 12 planted tasks 512 rows a step
# scored .002 higher than 128, in .6 of the time (`benchmarks/budget.py batches`).
_ROWS_PER_STEP: Final[Mapping[int, int]] = {0: 128, 100_000: 512, 500_000: 1024}


@dataclass(frozen=True)
class Options:
    """The settings of a run on a table; the defaults are what measured best on Tox21.

    Attributes:
        targets: Names or globs of the target columns.
        ignore: Names or globs of columns that are no features.
        kinds: ``binary``, ``multiclass``, ``ordinal``, ``ranking`` or ``regression`` per target,
            or an `Ordinal` with its levels, where inference is wrong.
        auxiliary: Tasks that only help the targets; for networks.
        group_column: The column of the groups of rows that rankings put in order; None for one
            group of all rows.
        split: How rows are divided into train, validation and test.
        sharing: The way of sharing.
        backbone: The network's stages.
        start_from: A trained network whose filters all networks of the run start from: a run's
            directory, or a file of torchvision's weights; None for random weights.
        augmentation: How training pictures are changed; None for not at all.
        soft_labels_from: Directories of finished runs whose models fill in missing labels.
        training: Epochs, optimiser and selection rule.
        batch_size: Rows per step; None for 128, and where the length of a training follows from the
            data, for 512 of 100,000 training rows or more, 1,024 of 500,000.
        seed: Random seed.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``; ``cuda:1`` for the second of several.
        precision: ``32-true`` or ``bf16-mixed``.
        baselines: Which networks to compare with.
        time_limit: Seconds for all networks of a run together; None for no limit. What is trained
            last gets the least. A run that is resumed has the time anew.
        checkpoint_seconds: Least time between two saved states; decides nothing about the result.
    """

    targets: Sequence[str]
    ignore: Sequence[str] = ()
    kinds: Mapping[str, StatedKind] = field(default_factory=dict)
    auxiliary: Sequence[Auxiliary] = ()
    group_column: str | None = None
    split: SplitRule = field(default_factory=RandomSplit)
    sharing: Strategy = field(default_factory=DEFAULT)
    backbone: BackboneSpec = field(default_factory=MLPSpec)
    start_from: Path | None = None
    augmentation: Augmentation | None = None
    soft_labels_from: Sequence[Path] = ()
    training: Training = field(default_factory=Training)
    batch_size: int | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "32-true"
    baselines: Sequence[str] = ("single_task", "shared")
    time_limit: float | None = None
    checkpoint_seconds: float = 10.0

    def __post_init__(self) -> None:
        """Check what no other part of ramify checks."""
        self._check_parts()
        unknown = [name for name in self.baselines if name not in BASELINES]
        if unknown:
            raise InputError(
                f"`baselines` must be among {listed(BASELINES)}. Got {listed(unknown)}"
            )
        if WITHOUT_AUXILIARY in self.baselines and not self.auxiliary:
            raise InputError(
                f"can only be compared with {WITHOUT_AUXILIARY} where there are auxiliary tasks",
                argument="baselines",
                remedy="name some in `auxiliary`",
            )
        if self.auxiliary and not self.sharing.trained_by_steps:
            raise InputError(
                f"is for networks, which learn in steps; {self.sharing.word} does not",
                argument="auxiliary",
                got=listed([each.column for each in self.auxiliary]),
                remedy="leave it out, or choose another `sharing`",
            )
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError(f"`batch_size` must be 1 or more. Got {self.batch_size}")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"`seed` must be 0 or more and below 2**63. Got {self.seed}")
        if self.time_limit is not None:
            check_number("time_limit", self.time_limit, open_end=True)
        if not self.checkpoint_seconds >= 0:
            raise InputError(
                f"`checkpoint_seconds` must be 0 or more. Got {self.checkpoint_seconds}"
            )

    def _check_parts(self) -> None:
        parts = (
            ("sharing", Strategy, f"{DEFAULT.__name__}()"),
            ("backbone", BackboneSpec, "MLPSpec()"),
            ("split", SplitRule, "RandomSplit()"),
            ("training", Training, "Training()"),
        )
        for name, kind, example in parts:
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise InputError(
                    f"`{name}` must be a {kind.__name__} object, such as {example}. "
                    f"Got {quoted(value)}"
                )

    def completed(self, facts: DataFacts) -> "Options":
        """The same with what suits the data where that was left open.

        Where the length of a training was given, so are the usual settings that go with it.

        Args:
            facts: The data.
        """
        suiting = facts if self.training.stops_by_itself else None
        rows = _rows_per_step(suiting) if self.batch_size is None else self.batch_size
        return replace(self, backbone=self.backbone.completed(suiting), batch_size=rows)

    @property
    def rows_per_step(self) -> int:
        """The batch size, also where it was left open and the data is not known."""
        return _ROWS_PER_STEP[0] if self.batch_size is None else self.batch_size

    @property
    def trains_networks(self) -> bool:
        """Whether anything is trained by steps; a linear model without baselines is not."""
        return self.sharing.trains_networks or bool(self.baselines)

    def settings(self) -> dict[str, Setting]:
        """The settings that count, for the record: those of networks only where there are any."""
        return {
            **(self._of_networks() if self.trains_networks else self._used_settings()),
            "soft_labels_from": [str(folder) for folder in self.soft_labels_from],
            "split": repr(self.split),
            "ignore": list(self.ignore),
            "kinds": [f"{name}={_kind_words(kind)}" for name, kind in self.kinds.items()],
            **(
                {"auxiliary": [_helping(each) for each in self.auxiliary]} if self.auxiliary else {}
            ),
            **({} if self.group_column is None else {"group_column": self.group_column}),
            "baselines": list(self.baselines),
        }

    def _used_settings(self) -> dict[str, Setting]:
        """The settings of training that count without networks."""
        return {
            n: v for n, v in self.training.settings().items() if n in self.sharing.training_settings
        }

    def _of_networks(self) -> dict[str, Setting]:
        return {
            "backbone": self.backbone.kind,
            **self.backbone.settings(),
            "start_from": None if self.start_from is None else str(self.start_from),
            "augmentation": None if self.augmentation is None else repr(self.augmentation),
            **self.training.settings(),
            "batch_size": self.batch_size,
            "device": self.device,
            "precision": self.precision,
            **({} if self.time_limit is None else {"time_limit": self.time_limit}),
        }


def _kind_words(kind: StatedKind) -> str:
    if isinstance(kind, str):
        return kind
    return f"{kind.name} ({', '.join(kind.labels)})" if kind.labels else kind.name


def _rows_per_step(facts: DataFacts | None) -> int:
    n_rows = 0 if facts is None else facts.n_rows
    return max(size for most, size in _ROWS_PER_STEP.items() if n_rows >= most)


def _helping(auxiliary: Auxiliary) -> str:
    formula = "" if auxiliary.formula is None else f" = {auxiliary.formula}"
    return f"{auxiliary.column}{formula} (weight {auxiliary.weight:g})"


def names_given(argument: str, given: str | Sequence[str]) -> list[str]:
    """Names as a user gives them.

    Args:
        argument: What they were given as, for messages.
        given: A text that is split at commas, or names.

    Raises:
        InputError: If they are something else.
    """
    if isinstance(given, str):
        return split_names(given)
    names = list(given) if isinstance(given, Iterable) else [given]
    if all(isinstance(each, str) for each in names):
        return names
    raise InputError(
        "must be names, as a text with commas or a list of texts",
        argument=argument,
        got=repr(given),
    )
