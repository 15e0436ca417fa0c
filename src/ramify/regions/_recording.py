"""The regions of one model or several on the same pictures, as a record."""

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ramify._core import InputError
from ramify.records import ContrastInfo, ModelRegions, RegionsRecord
from ramify.regions._contrast import Contrast
from ramify.regions._methods import HiResCam, RegionMethod
from ramify.regions._overlap import Overlap
from ramify.regions._regions import Regions, activation_regions
from ramify.runs import Model

_SIDE = 88
_COLOURS = 48
# From nothing to much: dark violet, red, orange, pale yellow.
_STOPS = np.array([[60, 15, 110], [190, 50, 80], [250, 140, 30], [255, 240, 150]], dtype=np.float64)


def picture(pixels: UInt8[np.ndarray, "channel height width"]) -> str:
    """A picture as PNG in base64."""
    return _encoded(_enlarged(pixels).astype(np.uint8))


def overlaid(
    pixels: UInt8[np.ndarray, "channel height width"], map_: Float[np.ndarray, "height width"]
) -> str:
    """A picture in grey with a map over it, as PNG in base64.

    Args:
        pixels: Bytes.
        map_: From 0 to 1.
    """
    grey = _enlarged(pixels).mean(axis=2, keepdims=True)
    smooth = Image.fromarray(map_.astype(np.float32)).resize(
        (grey.shape[1], grey.shape[0]), Image.Resampling.BILINEAR
    )
    strength = np.asarray(smooth, dtype=np.float64).clip(0, 1)
    places = strength * (len(_STOPS) - 1)
    colour = np.stack(
        [np.interp(places, np.arange(len(_STOPS)), _STOPS[:, c]) for c in range(3)], axis=2
    )
    cover = 0.8 * np.sqrt(strength)[:, :, None]
    return _encoded(((1 - cover) * grey + cover * colour).round().astype(np.uint8))


def _enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """``(height, width, 3)``, the longer side about 88 pixels."""
    plain = np.moveaxis(np.broadcast_to(pixels, (3, *pixels.shape[1:])), 0, -1)
    factor = _SIDE / max(plain.shape[:2])
    size = (max(round(plain.shape[1] * factor), 1), max(round(plain.shape[0] * factor), 1))
    how = Image.Resampling.NEAREST if factor > 1 else Image.Resampling.BOX
    found = Image.fromarray(np.ascontiguousarray(plain)).resize(size, how)
    return np.asarray(found, dtype=np.float64)


def _encoded(pixels: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    small = Image.fromarray(pixels).quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


_SHOWN = 8
_MOST_TASKS = 24


def regions_record(
    models: Mapping[str, Model],
    images: UInt8[Tensor, "image channel height width"],
    *,
    source: str,
    stage: int | None = None,
    method: RegionMethod | None = None,
    share: float = 0.2,
    seed: int = 0,
) -> RegionsRecord:
    """Find and compare what the tasks look at.

    Args:
        models: By name, the model first whose groups are judged; of the tasks of the first, those
            are looked at that all have.
        images: Bytes, as the models take them.
        source: What the pictures are.
        stage: From 0 at the input; by default as for `activation_regions`.
        method: By default `HiResCam`.
        share: Part of the pixels that is a region, in (0, 1).
        seed: Of permutations and the bootstrap.

    Raises:
        InputError: As for `activation_regions`, or if the models have no task in common.
    """
    tasks = _common(list(models.values()))
    way = HiResCam() if method is None else method
    found = {
        name: activation_regions(model, images, tasks, stage=stage, method=way)
        for name, model in models.items()
    }
    groups = next(iter(found.values())).groups
    pixels = images.cpu().numpy()
    overlaps = {n: r.overlap(share, groups=groups, seed=seed) for n, r in found.items()}
    first = next(iter(overlaps.values()))
    return RegionsRecord(
        source=source,
        method=way.name,
        n_images=len(images),
        share=share,
        by_chance=first.by_chance,
        tasks=list(tasks),
        groups=[list(group) for group in groups],
        shown=[picture(each) for each in pixels[:_SHOWN]],
        models=[_model(n, found[n], overlaps[n], _chosen(groups), pixels) for n in found],
    )


def _common(models: Sequence[Model]) -> list[str]:
    names = [n for n in models[0].tasks.names if all(n in m.tasks.names for m in models)]
    if not names:
        raise InputError("`against` must be a model with a task of the first. Got none in common")
    return names


def _chosen(groups: Sequence[Sequence[str]]) -> list[str]:
    """The tasks that pictures are drawn of, groups of several first."""
    ordered = sorted(groups, key=lambda group: len(group) == 1)
    return [name for group in ordered for name in group][:_MOST_TASKS]


def _model(
    name: str, regions: Regions, overlap: Overlap, chosen: Sequence[str], pixels: NDArray[np.uint8]
) -> ModelRegions:
    place = {task: i for i, task in enumerate(regions.tasks)}
    shown = pixels[:_SHOWN]
    return ModelRegions(
        name=name,
        stage=regions.stage + 1,
        groups=[list(group) for group in regions.groups],
        pictures={
            task: [overlaid(p, m) for p, m in zip(shown, regions.maps[place[task]], strict=False)]
            for task in chosen
        },
        iou=_matrix(overlap.iou),
        correlation=_matrix(overlap.correlation),
        of_iou=_info(overlap.of_iou),
        of_correlation=_info(overlap.of_correlation),
    )


def _matrix(values: NDArray[np.float64]) -> list[list[float | None]]:
    return [[round(v, 4) if np.isfinite(v) else None for v in row] for row in values.tolist()]


def _info(found: Contrast | None) -> ContrastInfo | None:
    if found is None:
        return None
    return ContrastInfo(
        within=found.within,
        between=found.between,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
    )
