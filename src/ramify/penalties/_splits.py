"""Ways to unfold a tensor into matrices: which of its axes index the rows."""

from collections.abc import Callable

from torch import Tensor

Splits = Callable[[int], list[tuple[int, ...]]]
"""From the number of axes to the axes of the rows, for one or several matrices."""


def task_axis_splits(n_axes: int) -> list[tuple[int, ...]]:
    """One matrix, tasks × all the rest: "last axis flattening", whose task axis is the last.

    Args:
        n_axes: Of the tensor, the task's among them.
    """
    return [(0,)] if n_axes > 1 else []


def every_axis_splits(n_axes: int) -> list[tuple[int, ...]]:
    """One matrix per axis, this one × all the rest, as for a Tucker decomposition.

    Args:
        n_axes: Of the tensor, the task's among them.
    """
    return [(axis,) for axis in range(n_axes)] if n_axes > 1 else []


def chain_splits(n_axes: int) -> list[tuple[int, ...]]:
    """One matrix per cut between neighbouring axes, as for a tensor train.

    Args:
        n_axes: Of the tensor, the task's among them.
    """
    return [tuple(range(cut)) for cut in range(1, n_axes)]


SPLITS: dict[str, Splits] = {
    "last-axis": task_axis_splits,
    "tucker": every_axis_splits,
    "tt": chain_splits,
}
"""The ways by the names that the papers give them."""


def unfolded(tensor: Tensor, rows: tuple[int, ...]) -> Tensor:
    """The tensor as a matrix.

    Args:
        tensor: Of any number of axes.
        rows: The axes that index rows; the others, in order, index columns.
    """
    columns = [axis for axis in range(tensor.ndim) if axis not in rows]
    return tensor.permute(*rows, *columns).flatten(0, len(rows) - 1).flatten(1)


def folded(matrix: Tensor, rows: tuple[int, ...], like: Tensor) -> Tensor:
    """The tensor of which `unfolded` made the matrix.

    Args:
        matrix: The matrix.
        rows: As for `unfolded`.
        like: A tensor of the shape that is wanted.
    """
    columns = [axis for axis in range(like.ndim) if axis not in rows]
    order = [*rows, *columns]
    back = sorted(range(like.ndim), key=order.__getitem__)
    return matrix.reshape([like.shape[axis] for axis in order]).permute(back)
