"""Public classes refuse arguments of other types than they declare, in a line that names the argument."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import ramify
from ramify._core import InputError, checked
from ramify.comparison import Study
from ramify.networks import MLPSpec
from ramify.sharing import FullyAdaptive
from ramify.tasks import LabelRange
from ramify.training import Training
from ramify.weighting import Fixed

ROOMS = [each.name for each in pkgutil.iter_modules(ramify.__path__) if each.name[0] != "_"]
BY_SCIKIT_LEARN = {"linear", "kernels", "estimators"}  # whose estimators check when they are fitted
UNCHECKED = {LabelRange}  # a named tuple, made by kinds alone


def public() -> Iterator[type]:
    """Classes that can be made without an argument."""
    for room in sorted(set(ROOMS) - BY_SCIKIT_LEARN - {"records", "losses", "report", "cli"}):
        module = importlib.import_module(f"ramify.{room}")
        for name in module.__all__:
            found = getattr(module, name)
            if not inspect.isclass(found) or found.__module__.split(".")[0] != "ramify":
                continue
            if inspect.isabstract(found) or found in UNCHECKED:
                continue
            parameters = inspect.signature(found).parameters.values()
            if all(each.default is not each.empty for each in parameters):
                yield found


def test_a_value_of_no_declared_type_is_refused_by_every_public_class() -> None:
    found = set(public())
    assert {Training, FullyAdaptive, Study, MLPSpec} <= found
    tried = 0
    for each in found:
        for name, parameter in inspect.signature(each).parameters.items():
            if parameter.annotation in (object, Any) or "object" in str(parameter.annotation):
                continue
            with pytest.raises(InputError, match=f"`{name}` must be"):
                each(**{name: Stranger()})
            tried += 1
    assert tried > 100


class Stranger:
    """Of no type that anybody declares."""


@pytest.mark.parametrize(
    ("cls", "given", "words"),
    [
        (Training, {"epochs": "a"}, "`epochs` must be a whole number or None. Got 'a'"),
        (Training, {"epochs": 1.5}, "`epochs` must be a whole number or None. Got 1.5"),
        (Training, {"balance": 1}, "`balance` must be True or False. Got 1"),
        (MLPSpec, {"hidden": "8"}, "`hidden` must be a sequence, each a whole number or None"),
        (MLPSpec, {"hidden": (8, "a")}, "`hidden` must be a sequence, each a whole number or None"),
        (Study, {"seeds": 3}, "`seeds` must be a sequence, each a whole number. Got 3"),
        (Study, {"weightings": [1]}, "`weightings` must be a mapping"),
        (FullyAdaptive, {"alpha": True}, "`alpha` must be a number or None. Got True"),
        (Fixed, {"values": np.ones(2)}, "`values` must be a sequence, each a number"),
    ],
)
def test_the_line_says_what_it_must_be_and_what_it_got(
    cls: type, given: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError) as caught:
        cls(**given)
    assert words in str(caught.value)


def test_numbers_and_sequences_of_other_libraries_are_what_they_stand_for() -> None:
    given: dict[str, Any] = {"epochs": np.int64(3), "balance": np.bool_(1)}
    assert Training(**given, learning_rate=1).epochs == 3
    half: Any = Fraction(1, 2)
    assert FullyAdaptive(alpha=half).alpha == 0.5
    some: list[Any] = [[8, 4], range(8, 2, -4)]
    assert [list(MLPSpec(widths).hidden or ()) for widths in some] == [[8, 4], [8, 4]]


def test_a_class_of_ones_own_keeps_its_signature() -> None:
    @checked
    class Mine:
        def __init__(self, first: int, *rest: str, more: float | None = None) -> None:
            self.given = (first, rest, more)

    assert str(inspect.signature(Mine)) == (
        "(first: int, *rest: str, more: float | None = None) -> None"
    )
    assert Mine(1, "a", more=2).given == (1, ("a",), 2)
    with pytest.raises(TypeError, match="unexpected keyword"):
        Mine(1, other=2)  # type: ignore[call-arg]
