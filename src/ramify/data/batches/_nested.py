"""Inputs of any structure: a tensor, or tuples, lists and dictionaries of them, in one another."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ramify._core import InputError, ShapeError, counted, quoted

Nested = Any
"""A tensor whose first axis is that of the rows, or tuples, lists and dictionaries of such tensors."""


def mapped(nested: Nested, change: Callable[[Tensor], Tensor]) -> Nested:
    """A structure of the same form with every tensor changed.

    Args:
        nested: The structure.
        change: From a tensor to another one.

    Example:
        >>> mapped({"x": torch.ones(2), "y": (torch.ones(1),)}, torch.Tensor.sum)
        {'x': tensor(2.), 'y': (tensor(1.),)}
    """
    if isinstance(nested, Tensor):
        return change(nested)
    if isinstance(nested, Mapping):
        return {name: mapped(part, change) for name, part in nested.items()}
    parts = [mapped(part, change) for part in nested]
    if isinstance(nested, tuple) and hasattr(nested, "_fields"):
        return type(nested)(*parts)
    return tuple(parts) if isinstance(nested, tuple) else parts


def leaves(nested: Nested) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a structure with its path, such as ``words.0``; empty for a tensor itself.

    Args:
        nested: The structure.
    """
    if isinstance(nested, Tensor):
        yield "", nested
        return
    pairs = nested.items() if isinstance(nested, Mapping) else enumerate(nested)
    for name, part in pairs:
        for path, tensor in leaves(part):
            yield f"{name}.{path}" if path else str(name), tensor


def n_rows_of(nested: Nested) -> int:
    """Number of rows of a structure's first tensor.

    Args:
        nested: The structure.
    """
    return len(nested) if isinstance(nested, Tensor) else len(next(leaves(nested))[1])


def as_nested(given: object) -> Nested:
    """A structure of tensors from one that may hold arrays; numbers of any precision become usual.

    Args:
        given: What a loader gives as inputs.

    Raises:
        InputError: If it holds anything else, or nothing.
        ShapeError: If its tensors do not have equally many rows.
    """
    nested = _of_tensors(given)
    found = list(leaves(nested))
    if not found:
        raise InputError("inputs of a loader must hold a tensor. Got an empty structure")
    sizes = {path: tuple(tensor.shape[:1]) for path, tensor in found}
    if len(set(sizes.values())) > 1 or () in sizes.values():
        one, *others = sizes
        other = next((path for path in others if sizes[path] != sizes[one]), one)
        raise ShapeError(
            "inputs of a loader must have one row per example in each of their tensors. Got "
            f"{_rows(sizes[one])} in {quoted(one)} and {_rows(sizes[other])} in {quoted(other)}"
        )
    return nested


def _of_tensors(given: object) -> Nested:
    if isinstance(given, np.ndarray):
        given = torch.as_tensor(given)
    if isinstance(given, Tensor):
        usual = torch.get_default_dtype()
        return given.to(usual) if given.is_floating_point() and given.dtype != usual else given
    if isinstance(given, Mapping):
        return {str(name): _of_tensors(part) for name, part in given.items()}
    if isinstance(given, tuple) and hasattr(given, "_fields"):
        return type(given)(*(_of_tensors(part) for part in given))
    if isinstance(given, list | tuple):
        return type(given)(_of_tensors(part) for part in given)
    raise InputError(
        "inputs of a loader must be a tensor, or tuples, lists or dictionaries of tensors. "
        f"Got an element of type {type(given).__name__}"
    )


def _rows(shape: tuple[int, ...]) -> str:
    return counted(shape[0], "row") if shape else "a number"
