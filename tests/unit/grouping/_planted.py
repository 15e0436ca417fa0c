"""Affinities in which the groups are known."""

import numpy as np
import torch
from numpy.typing import NDArray

from ramify.affinity import ErrorMarginAffinity

Array = NDArray[np.float64]


def blocks(n_tasks: int, n_groups: int, within: float = 0.8, between: float = 0.5) -> Array:
    """Noise-free: tasks i and j are together if i // size == j // size."""
    label = np.arange(n_tasks) * n_groups // n_tasks
    matrix = np.where(label[:, None] == label[None, :], within, between).astype(np.float64)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def noisy(n_tasks: int, n_groups: int, seed: int = 0, size: float = 0.02) -> Array:
    rng = np.random.default_rng(seed)
    noise = rng.normal(scale=size, size=(n_tasks, n_tasks))
    matrix = (blocks(n_tasks, n_groups) + (noise + noise.T) / 2).clip(0, 1)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def from_margins(
    n_tasks: int, n_groups: int, seed: int, *, n_rows: int = 32_768, correlation: float = 0.81
) -> Array:
    """Estimated from equicorrelated margins, tasks dealt to the groups in turn."""
    generator = torch.Generator().manual_seed(seed)
    common = torch.randn(n_rows, n_groups, generator=generator)
    own = torch.randn(n_rows, n_tasks, generator=generator)
    group = torch.arange(n_tasks) % n_groups
    margins = correlation**0.5 * common[:, group] + (1 - correlation) ** 0.5 * own + 10
    affinity = ErrorMarginAffinity(n_tasks, decay=1.0)
    every = torch.ones(512, n_tasks, dtype=torch.bool)
    for batch in margins.split(512):
        affinity.update(batch, every)
    return affinity.matrix().numpy()


def in_turn(n_tasks: int, n_groups: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(range(g, n_tasks, n_groups)) for g in range(n_groups))


def in_blocks(n_tasks: int, n_groups: int) -> tuple[tuple[int, ...], ...]:
    label = np.arange(n_tasks) * n_groups // n_tasks
    return tuple(tuple(np.flatnonzero(label == g).tolist()) for g in range(n_groups))
