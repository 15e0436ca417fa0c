"""What the command line says of networks and their training, for every verb that trains them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ramify._core import InputError, check_seconds, listed, quoted
from ramify.cli._asked import Asked, DeclaredOptions
from ramify.cli._data_options import decay_of
from ramify.cli._sources import Data
from ramify.cli._words import names_in
from ramify.data import ImageData
from ramify.networks import default_backbone
from ramify.runs import Auxiliary
from ramify.sharing import Strategy
from ramify.training import Training
from ramify.weighting import GramWeighting, Weighting


def check_each_once(names: Sequence[str], option: str, noun: str) -> None:
    """Check that an option names at least one, and each once.

    Raises:
        InputError: If not.
    """
    if not names:
        raise InputError(f"{option} must name at least one {noun}. Got none")
    if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise InputError(
            f"{option} must name each {noun} once. Got {listed(repeated)} repeatedly; leave one out"
        )


def check_exact_gradients(exact: bool, weightings: Collection[Weighting]) -> None:
    """Check that exact gradients, where asked for, serve a weighting.

    Raises:
        InputError: If none looks at gradients.
    """
    if exact and not any(isinstance(each, GramWeighting) for each in weightings):
        names = ", ".join(each.word for each in weightings)
        raise InputError(
            "--exact-gradients is for a --weighting that looks at gradients, such as upgrad. "
            f"Got {names}; leave it out"
        )


@dataclass(frozen=True)
class AuxiliaryOptions:
    """Tasks that only help the targets.

    Attributes:
        auxiliary: Names or globs of columns that only help, comma separated: a network learns them
            beside the targets; they are scored nowhere, are no features, and no part of the model.
            Costly or noisy inputs may be such columns, and the number that a class was cut from.
        auxiliary_weight: Factor of their losses; a target has 1.
        hint: NAME = FORMULA: an auxiliary target that is computed from columns, such as
            'big = amount > 100' (an expression of SQL; names of columns with other characters than
            letters and digits in double quotes); may be repeated.
    """

    auxiliary: str | list[str] = ""
    auxiliary_weight: float = 1.0
    hint: list[str] | str = ""

    def asked(self) -> list[Auxiliary]:
        """What was asked for.

        Raises:
            InputError: If something is malformed, or there is a weight of nothing.
        """
        found = [Auxiliary(name, self.auxiliary_weight) for name in names_in(self.auxiliary)]
        for text in [self.hint] if isinstance(self.hint, str) else self.hint:
            name, equals, formula = text.partition("=")
            if text and not (name.strip() and equals and formula.strip()):
                raise InputError(
                    "must be NAME = FORMULA, such as 'big = amount > 100'",
                    argument="hint",
                    got=quoted(text),
                )
            if text:
                found.append(Auxiliary(name.strip(), self.auxiliary_weight, formula.strip()))
        if not found and self.auxiliary_weight != 1.0:
            raise InputError(
                "is for auxiliary tasks",
                argument="auxiliary_weight",
                got=f"{self.auxiliary_weight:g}",
                remedy="name some in `auxiliary`, or leave it out",
            )
        return found


@dataclass(frozen=True)
class NetworkOptions:
    """The stages of a network, and what they start from.

    Attributes:
        backbone: The network's stages, listed below; by default mlp for tables, vgg16 for pictures.
        start_from: Trained network whose filters are selected for the start (a wider one is thinned):
            directory of a run with one shared network on inputs of the same shape, or file of
            torchvision's weights.
    """

    backbone: str | None = None
    start_from: Path | None = None

    def asked(self, data: Data, said: DeclaredOptions) -> Asked:
        """The backbone that was asked for, or the usual one for the data.

        Args:
            data: What it is for.
            said: What was said of backbones.

        Raises:
            InputError: If it is unknown, or does not take such data.
        """
        of_images = isinstance(data, ImageData)
        asked = said.asked("--backbone", self.backbone or default_backbone(of_images=of_images))
        if getattr(asked.kind, "of_images", False) and not of_images:
            raise InputError(
                f"--backbone {asked.word} is for pictures. Got a table; use mlp or leave it out"
            )
        return asked

    def check_start(self, strategies: Iterable[type[Strategy]]) -> None:
        """Check that there is a start where one is needed, and nothing that would not use it.

        Args:
            strategies: What is trained.

        Raises:
            InputError: If not, or if there is nothing where the start should be.
        """
        start, kinds = self.start_from, list(strategies)
        for kind in kinds:
            if start is None and kind.needs_start:
                raise InputError(
                    f"--sharing {kind.name} needs --start-from, the directory of a run: networks "
                    "start from its network"
                )
        if start is not None and not any(kind.trained_by_steps for kind in kinds):
            raise InputError(
                f"--start-from is for networks. Got --sharing {listed(k.name for k in kinds)}; "
                "leave it out"
            )
        if start is not None and not start.exists():
            raise InputError(
                "--start-from must name the directory of a run, or a file of weights. There is "
                f"nothing at {quoted(start)}"
            )


@dataclass(frozen=True)
class TrainingOptions:
    """How a network is trained, and on what.

    Attributes:
        effort: How long to go on: quick, standard or best; where --epochs are given they say that.
        steps: At most so many steps, in place of what the effort allows; not with --epochs.
        time_limit: For all networks of a run together, such as 90s, 5m or 1.5h; the best weights until
            then are kept.
        learning_rate: Highest step size; by default 0.002, with --epochs 0.001.
        weight_decay: Decoupled decay of the weights; by default 1 for tables (2 with --epochs), 0.05
            for pictures.
        patience: Stop after so many scorings without a better one: an epoch each, or with few rows
            the epochs that make 50 steps.
        balance: Whether rare positives weigh as much as the negatives.
        exact_gradients: Whether weightings that look at gradients take those of all shared
            parameters, one backward pass per task, in place of those at the shared features.
        device: auto, cpu, cuda or mps; cuda:1 for the second of several.
        precision: 32-true or bf16-mixed.
        checkpoint_seconds: Least time between two saved states of a training.
    """

    effort: Literal["quick", "standard", "best"] = "standard"
    steps: int | None = None
    time_limit: str | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    patience: int | None = None
    balance: bool = False
    exact_gradients: bool = False
    device: str = "auto"
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    checkpoint_seconds: float = 10.0

    @property
    def says_how(self) -> bool:
        """Whether anything but where, how precisely and until when is said."""
        where = TrainingOptions(
            time_limit=self.time_limit,
            device=self.device,
            precision=self.precision,
            checkpoint_seconds=self.checkpoint_seconds,
        )
        return self != where

    @property
    def seconds(self) -> float | None:
        """The limit of time in seconds.

        Raises:
            InputError: If it is none.
        """
        return None if self.time_limit is None else check_seconds("time_limit", self.time_limit)

    def training(self, epochs: int | None, weighting: Weighting, data: Data) -> Training:
        """The training.

        Args:
            epochs: Passes over the training rows; None for a length that follows from the data.
            weighting: How tasks are weighed against each other.
            data: What is learned from.

        Raises:
            InputError: If a number is out of range.
        """
        return Training(
            epochs=epochs,
            effort=self.effort,
            steps=self.steps,
            learning_rate=self.learning_rate,
            weight_decay=decay_of(self.weight_decay, data),
            patience=self.patience,
            balance=self.balance,
            weighting=weighting,
            exact_gradients=self.exact_gradients,
        )
