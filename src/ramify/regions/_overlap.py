"""How far tasks look at the same parts of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import NDArray

from ramify._core import InputError, quoted
from ramify.regions._contrast import Contrast, contrast

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Overlap:
    """Overlap of the tasks' regions.

    Attributes:
        tasks: Names, in the order of the rows.
        iou: Intersection over union of the regions, mean over pictures; NaN where no picture has
            both. 1 on the diagonal.
        correlation: Pearson's, of the maps' pixels, mean over pictures; NaN likewise.
        n_images: Pictures in which both tasks have a region.
        share: Part of the pixels that is a region.
        by_chance: Intersection over union of two regions that are drawn anywhere.
        of_iou: Pairs within groups against other pairs; None without pairs of both.
        of_correlation: The same for the correlation.
    """

    tasks: tuple[str, ...]
    iou: Float[np.ndarray, "task task"]
    correlation: Float[np.ndarray, "task task"]
    n_images: Int64[np.ndarray, "task task"]
    share: float
    by_chance: float
    of_iou: Contrast | None
    of_correlation: Contrast | None


def overlap_of(
    maps: Float[np.ndarray, "task image height width"],
    tasks: Sequence[str],
    groups: Sequence[Sequence[str]],
    *,
    share: float,
    n_draws: int,
    seed: int,
) -> Overlap:
    """Measure the overlap of maps.

    A region is the given share of the pixels with the highest values, as far as they are above 0:
    so pixels on which the map says nothing are in no region.

    Args:
        maps: 0 or more.
        tasks: Names, in the order of the maps.
        groups: The groups to judge; a task in none is left out of that.
        share: Part of the pixels, in (0, 1).
        n_draws: Of permutations and of the bootstrap.
        seed: Of the draws.
    """
    if not 0 < share < 1:
        raise InputError(f"`share` must be above 0 and below 1. Got {share}")
    if n_draws < 1:
        raise InputError(f"`n_draws` must be 1 or more. Got {n_draws}")
    group_of = _group_of(tasks, groups)
    ious = np.stack([_iou(image, share) for image in _images(maps)])
    correlations = np.stack([_correlation(image) for image in _images(maps)])
    return Overlap(
        tuple(tasks),
        _mean(ious),
        _mean(correlations),
        np.isfinite(ious).sum(axis=0),
        share,
        share / (2 - share),
        contrast(ious, group_of, n_draws=n_draws, seed=seed),
        contrast(correlations, group_of, n_draws=n_draws, seed=seed),
    )


def _images(maps: NDArray[np.float32]) -> Array:
    return maps.reshape(*maps.shape[:2], -1).swapaxes(0, 1).astype(np.float64)


def _iou(maps: Array, share: float) -> Array:
    n = max(round(share * maps.shape[1]), 1)
    top = np.argsort(-maps, axis=1, kind="stable")[:, :n]
    region = np.zeros(maps.shape)
    np.put_along_axis(region, top, 1.0, axis=1)
    region *= maps > 0
    both, size = region @ region.T, region.sum(axis=1)
    union = size[:, None] + size[None, :] - both
    known = (size > 0)[:, None] & (size > 0)[None, :]
    return np.where(known, both / np.where(union > 0, union, 1), np.nan)


def _correlation(maps: Array) -> Array:
    centred = maps - maps.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1)
    varies = length > 1e-9 * np.sqrt(maps.shape[1])
    rows = centred / np.where(varies, length, 1)[:, None]
    return np.where(varies[:, None] & varies[None, :], (rows @ rows.T).clip(-1, 1), np.nan)


def _mean(values: Array) -> Array:
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0)
    return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)


def _group_of(tasks: Sequence[str], groups: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    place = {name: i for i, name in enumerate(tasks)}
    found = np.full(len(tasks), -1, dtype=np.int64)
    for g, group in enumerate(groups):
        for name in group:
            if name not in place:
                raise InputError(f"`groups` must hold tasks with maps only. Got {quoted(name)}")
            if found[place[name]] >= 0:
                raise InputError(f"`groups` must hold a task once. Got {quoted(name)} twice")
            found[place[name]] = g
    return found
