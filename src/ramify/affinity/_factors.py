"""What the tasks' gradients have in common: a few directions, and each task's share of them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ramify._core import InputError, ShapeError, check_number


@dataclass(frozen=True)
class Factors:
    """The tasks' gradients in the few directions that carry most of them.

    Attributes:
        loadings: Rows of length 1, strongest factor first; NaN for a task without a gradient.
        energy: Share of the squared lengths that each kept factor carries, in (0, 1].
        known: Whether the task had any gradient.
    """

    loadings: Float[np.ndarray, "task factor"]
    energy: Float[np.ndarray, " factor"]
    known: Bool[np.ndarray, " task"]


def factors_of_gram(gram: Float[np.ndarray, "task task"], energy: float = 0.99) -> Factors:
    r"""Factorise the tasks' gradients, from their inner products alone.

    With M the gradients' rows divided by their lengths and :math:`M = U S V^\top`, the factors are
    the rows of :math:`U_k S_k`, divided by their lengths, for the smallest *k* with
    :math:`\sum_{i \le k} s_i^2 \ge` ``energy`` :math:`\cdot \sum_i s_i^2`. U and S come from the
    eigenvectors of :math:`M M^\top`, the cosines, so the number of parameters does not matter.

    A factor left out counts as if the tasks did not differ in it. So a small ``energy`` brings
    tasks together that are like no other: with .9, unrelated tasks are merged more often than not.

    Args:
        gram: Inner products of the gradients; 0 on the diagonal for a task that had none.
        energy: Share of the squared lengths that the kept factors carry together, in (0, 1].

    Raises:
        ShapeError: If ``gram`` is not square.
        InputError: If ``energy`` is out of range, or ``gram`` holds NaN or infinity.

    References:
        Strezoski, van Noord, Worring. *Learning Task Relatedness in Multi-Task Learning for Images
        in Context*, ICMR 2019. The paper names no factorisation; this one is ours.

    Example:
        >>> import numpy as np
        >>> factors_of_gram(np.array([[4.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 9.0]])).energy
        array([0.66666667, 0.33333333])
    """
    check_number("energy", energy, most=1, open_end=True)
    cosines, known = _cosines(gram)
    if not known.any():
        return Factors(np.full((len(known), 0), np.nan), np.zeros(0), known)
    values, vectors = np.linalg.eigh(cosines[np.ix_(known, known)])
    squares, vectors = values[::-1].clip(min=0), vectors[:, ::-1]
    shares = squares / max(squares.sum(), np.finfo(float).tiny)
    n_kept = int((np.cumsum(shares) < energy - 1e-9).sum()) + 1
    kept = _signed(vectors[:, :n_kept]) * np.sqrt(squares[:n_kept])
    loadings = np.full((len(known), kept.shape[1]), np.nan)
    loadings[known] = unit_rows(kept)
    return Factors(loadings, shares[:n_kept], known)


def _cosines(
    gram: Float[np.ndarray, "task task"],
) -> tuple[Float[np.ndarray, "task task"], Bool[np.ndarray, " task"]]:
    matrix = np.asarray(gram, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ShapeError(f"`gram` must be a square matrix. Got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise InputError("`gram` must be finite; a gradient was NaN or infinite. Clip or skip it")
    known = matrix.diagonal() > 0
    lengths = np.sqrt(np.where(known, matrix.diagonal(), 1.0))
    return matrix / lengths[:, None] / lengths, known


def _signed(vectors: Float[np.ndarray, "task factor"]) -> Float[np.ndarray, "task factor"]:
    """A vector and its negative are the same factor: fix the sign so that runs repeat."""
    largest = np.abs(vectors).argmax(axis=0)
    return vectors * np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)


def unit_rows(rows: Float[np.ndarray, "task factor"]) -> Float[np.ndarray, "task factor"]:
    """Rows of length 1; a row that the kept factors miss altogether stays 0."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
