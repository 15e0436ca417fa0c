"""Checks of settings; each error names the argument, what it must be, and what it got."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from ramify._core import InputError, listed, quoted
from ramify.linear.inputs._arrays import Floats

_LARGEST = 1e50  # fourth powers of it are still numbers


def check_size(name: str, values: Floats) -> None:
    """Numbers that can be squared and multiplied without leaving what a number can hold.

    Raises:
        InputError: If one is too large.
    """
    largest = max(float(values.max(initial=0)), -float(values.min(initial=0)))
    if largest > _LARGEST:
        raise InputError(
            f"must hold numbers of at most {_LARGEST:g} in size, as they are squared",
            argument=name,
            got=f"{largest:g}",
            remedy="scale it first",
        )


def check_choice(name: str, value: object, choices: Collection[object]) -> None:
    """One of several values.

    Raises:
        InputError: If it is none of them.
    """
    if not any(type(value) is type(each) and value == each for each in choices):
        known = ", ".join(repr(each) for each in choices)
        raise InputError(f"must be one of {known}", argument=name, got=repr(value))


def weights_of_tasks(task_weight: object, tasks: Iterable[object]) -> Floats:
    """One weight per task, from None, a sequence in the order of the tasks, or a mapping.

    Raises:
        InputError: If a weight is missing, too many, negative or not finite.
    """
    names = list(tasks)
    if task_weight is None:
        return np.ones(len(names))
    if isinstance(task_weight, Mapping):
        missing = [name for name in names if name not in task_weight]
        if missing:
            raise InputError(
                f"must have every task. It lacks {listed(missing)}", argument="task_weight"
            )
        task_weight = [task_weight[name] for name in names]
    try:
        weights = np.asarray(task_weight, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "must hold numbers", argument="task_weight", got=quoted(task_weight)
        ) from None
    if weights.shape != (len(names),):
        raise InputError(
            f"must have one number per task, {len(names)}",
            argument="task_weight",
            got=f"shape {weights.shape}",
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise InputError(
            "must hold finite numbers of 0 or more, not all 0",
            argument="task_weight",
            got=f"{float(weights.min())!r} to {float(weights.max())!r}",
        )
    return weights
