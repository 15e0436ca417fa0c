"""The ways of sharing that the command line knows by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ramify._core import InputError, listed, quoted
from ramify.cli._flags import flag
from ramify.cli._made import made
from ramify.cli._selective import ConditionName
from ramify.cli._settings import GivenSetting, check_take_part
from ramify.cli._sharing_options import SharingOptions, owners_of_given
from ramify.runs import LINEAR_METHODS, LinearSharing
from ramify.sharing import (
    CGC,
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
    SelectiveSharing,
    Sharing,
    SingleTask,
    Sluice,
    Soft,
    TraceNorm,
)
from ramify.sharing._affinity_readings import DEFAULT_AFFINITY
from ramify.weighting import WEIGHTINGS


@dataclass(frozen=True)
class Way:
    """What a word for a way of sharing stands for.

    Attributes:
        kind: The class.
        said: The arguments that the word and the options say, from the options and the seed; all
            others are settings of their own, see `GivenSetting`.
    """

    kind: Callable[..., Sharing]
    said: Callable[[SharingOptions, int], Mapping[str, object]] = lambda _options, _seed: {}


def _fully_adaptive(options: SharingOptions, seed: int) -> Mapping[str, object]:
    return {
        "alpha": options.alpha,
        "max_parameters": options.max_parameters,
        "growing_epochs": options.growing_epochs,
        "n_candidates": options.candidates,
        "affinity": DEFAULT_AFFINITY if options.affinity is None else options.affinity,
        "seed": seed,
    }


def _selective(condition: ConditionName) -> Way:
    def said(options: SharingOptions, seed: int) -> Mapping[str, object]:
        return options.selective.arguments(condition, seed)

    return Way(SelectiveSharing, said)


def _tree(options: SharingOptions, _seed: int) -> Mapping[str, object]:
    return {"tree": options.given_tree(), "growing_epochs_first": options.growing_epochs}


def _low_level(*, separate: bool) -> Way:
    def said(options: SharingOptions, seed: int) -> Mapping[str, object]:
        return {"attached": options.given_stages(), "separate": separate, "seed": seed}

    return Way(LowLevel, said)


def _form(kind: Callable[..., Sharing], form: str) -> Way:
    return Way(kind, lambda _options, _seed: {"form": form})


def _linear(method: str) -> Way:
    return Way(LinearSharing, lambda _options, _seed: {"method": method})


SHARINGS: Final[dict[str, Way]] = {
    "fully-adaptive": Way(FullyAdaptive, _fully_adaptive),
    "selective": _selective("similarity"),
    "selective:variance": _selective("variance"),
    "selective:random": _selective("random"),
    "selective:all": _selective("all"),
    "selective:none": _selective("none"),
    "hard": Way(HardSharing),
    "single-task": Way(SingleTask),
    "tree": Way(FixedTree, _tree),
    "soft": Way(Soft),
    "trace-norm": _form(TraceNorm, "last-axis"),
    "trace-norm:tucker": _form(TraceNorm, "tucker"),
    "trace-norm:tt": _form(TraceNorm, "tt"),
    "relationship": Way(Relationship),
    "cross-stitch": Way(CrossStitch),
    "sluice": Way(Sluice),
    "factorised": _form(Factorised, "laf"),
    "factorised:tucker": _form(Factorised, "tucker"),
    "factorised:tt": _form(Factorised, "tt"),
    "mmoe": Way(MMoE),
    "cgc": Way(CGC),
    "ple": Way(PLE),
    "mtan": Way(MTAN),
    "low-level": _low_level(separate=False),
    "low-level:separate": _low_level(separate=True),
    "anchored": Way(Anchored),
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
    if name in SHARINGS:
        return
    family = name.partition(":")[0]
    forms = [each for each in SHARINGS if each.partition(":")[0] == family]
    others = [each for each in SHARINGS if ":" not in each]
    known = listed(forms, len(forms)) or f"{listed(others, len(others))} or linear:METHOD"
    raise InputError(f"--sharing must be one of {known}. Got {quoted(name)}")


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
    way = SHARINGS[name]
    return made(name, way.kind, way.said(options, seed), options.settings)


def check_settings(
    settings: Sequence[GivenSetting], sharings: Sequence[str], weightings: Sequence[str]
) -> None:
    """Check that each setting of ``--set`` is for a way of sharing or weighting that takes part.

    Args:
        settings: What was typed.
        sharings: The words of the ways of sharing that take part.
        weightings: Those of the weightings.

    Raises:
        InputError: If not.
    """
    known = {"--sharing": list(SHARINGS), "--weighting": list(WEIGHTINGS)}
    check_take_part(settings, known, [*sharings, *weightings])


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
