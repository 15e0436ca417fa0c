"""The ways of sharing that the command line knows by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ramify._core import InputError, listed, quoted
from ramify.cli._flags import flag
from ramify.cli._selective import SelectiveOptions
from ramify.runs import LINEAR_METHODS, LinearSharing
from ramify.sharing import (
    CGC,
    DEFAULT_AFFINITY,
    MTAN,
    PLE,
    Anchored,
    CrossStitch,
    Factorised,
    FixedTree,
    FullyAdaptive,
    HardSharing,
    LowLevel,
    MMoE,
    Relationship,
    Sharing,
    SingleTask,
    Sluice,
    Soft,
    TraceNorm,
)
from ramify.tasks import SharingTree


@dataclass(frozen=True)
class SharingOptions:
    """What the command line says of a way of sharing beside its name.

    Attributes:
        max_parameters: Budget of a learned tree.
        alpha: The paper's weight of separation against width.
        growing_epochs: Epochs of the shared network before a tree is found.
        candidates: At most so many trees are trained to the end.
        tree: JSON file of a tree.
        selective: What concerns selective sharing only.
        affinity: What a learned tree grows from; None for the default.
        attach: Tasks whose heads read a lower stage, and which; None where none was named.
    """

    max_parameters: int | None = None
    alpha: float | None = None
    growing_epochs: int = 4
    candidates: int = 4
    tree: Path | None = None
    selective: SelectiveOptions = field(default_factory=SelectiveOptions)
    affinity: str | None = None
    attach: tuple[tuple[str, int], ...] | None = None

    def given_tree(self) -> SharingTree:
        """The tree of the file.

        Raises:
            InputError: If there is none, or the file holds none.
        """
        if self.tree is None:
            raise InputError("--sharing tree needs --tree, the JSON file of a tree")
        try:
            return SharingTree.from_json(self.tree.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(
                f"--tree {quoted(self.tree)} cannot be read: {error.strerror}; name a JSON file"
            ) from None
        except UnicodeDecodeError:
            raise InputError(
                f"--tree {quoted(self.tree)} must be UTF-8 text; name a JSON file"
            ) from None


def _fully_adaptive(options: SharingOptions, seed: int) -> Sharing:
    return FullyAdaptive(
        alpha=options.alpha,
        max_parameters=options.max_parameters,
        growing_epochs=options.growing_epochs,
        n_candidates=options.candidates,
        affinity=DEFAULT_AFFINITY if options.affinity is None else options.affinity,
        seed=seed,
    )


def _diverse(options: SharingOptions, seed: int) -> Sharing:
    return replace(options.selective, condition="variance").sharing(seed)


def _at_random(options: SharingOptions, seed: int) -> Sharing:
    return replace(options.selective, condition="random").sharing(seed)


def _low_level(options: SharingOptions, *, separate: bool = False) -> Sharing:
    if not options.attach:
        raise InputError(
            "--sharing low-level needs --attach, such as --attach TASK=0: the stage that a task's "
            "head reads"
        )
    return LowLevel(options.attach, separate=separate)


def _linear(method: str) -> Callable[[SharingOptions, int], Sharing]:
    return lambda _options, _seed: LinearSharing(method)


SHARINGS: Final[dict[str, Callable[[SharingOptions, int], Sharing]]] = {
    "fully-adaptive": _fully_adaptive,
    "selective": lambda options, seed: options.selective.sharing(seed),
    "selective:variance": _diverse,
    "selective:random": _at_random,
    "hard": lambda _options, _seed: HardSharing(),
    "single-task": lambda _options, _seed: SingleTask(),
    "tree": lambda options, _seed: FixedTree(options.given_tree(), options.growing_epochs),
    "soft": lambda _options, _seed: Soft(),
    "trace-norm": lambda _options, _seed: TraceNorm(),
    "trace-norm:tucker": lambda _options, _seed: TraceNorm(form="tucker"),
    "trace-norm:tt": lambda _options, _seed: TraceNorm(form="tt"),
    "relationship": lambda _options, _seed: Relationship(),
    "cross-stitch": lambda _options, _seed: CrossStitch(),
    "sluice": lambda _options, _seed: Sluice(),
    "factorised": lambda _options, _seed: Factorised(),
    "factorised:tucker": lambda _options, _seed: Factorised(form="tucker"),
    "factorised:tt": lambda _options, _seed: Factorised(form="tt"),
    "mmoe": lambda _options, _seed: MMoE(),
    "cgc": lambda _options, _seed: CGC(),
    "ple": lambda _options, _seed: PLE(),
    "mtan": lambda _options, _seed: MTAN(),
    "low-level": lambda options, _seed: _low_level(options),
    "low-level:separate": lambda options, _seed: _low_level(options, separate=True),
    "anchored": lambda _options, _seed: Anchored(),
    **{f"linear:{name}": _linear(name) for name in LINEAR_METHODS},
}
"""Every way of sharing by the word that the command line has for it."""


def check_name(name: str) -> None:
    """Check the name of a way of sharing.

    Raises:
        InputError: If it is unknown.
    """
    if name == "linear:graph":
        LinearSharing("graph")  # says what to do instead
    if name not in SHARINGS:
        is_linear = name.startswith("linear:")
        known = [each for each in SHARINGS if each.startswith("linear:") == is_linear]
        more = "" if is_linear else " or linear:METHOD"
        raise InputError(
            f"--sharing must be one of {listed(known, len(known))}{more}. Got {quoted(name)}"
        )


def sharing_of(name: str, options: SharingOptions, seed: int) -> Sharing:
    """A way of sharing.

    Args:
        name: Which.
        options: What else the command line says.
        seed: Of its random numbers.

    Raises:
        InputError: If the name is unknown, or an option is for another way of sharing.
    """
    check_name(name)
    check_owners(options, [name])
    return SHARINGS[name](options, seed)


def check_owners(options: SharingOptions, names: Sequence[str]) -> None:
    """Check that each option is for one of several ways of sharing.

    Args:
        options: What the command line says.
        names: The ways of sharing that take part.

    Raises:
        InputError: If an option is for none of them, so that nothing would heed it.
    """
    present = {name.partition(":")[0] for name in names}
    for option, owner in owners_of_given(options).items():
        if owner not in present:
            also = " and fit --paper" if option == "interval" else ""
            raise InputError(
                f"{flag(option)} is for --sharing {owner}{also}. Got {', '.join(names)}; leave it out"
            )


def owners_of_given(options: SharingOptions) -> dict[str, str]:
    """The options that were given and are for one way of sharing only, with that way."""
    grown = ("max_parameters", "alpha", "affinity")
    owners = dict.fromkeys(grown, "fully-adaptive") | {"tree": "tree", "attach": "low-level"}
    given = {name: who for name, who in owners.items() if getattr(options, name) is not None}
    return given | dict.fromkeys(options.selective.given(), "selective")
