"""Laws of the overlap of regions, and a slow reference."""

import numpy as np
import pytest

from ramify._core import InputError
from ramify.regions import Regions

GROUPS = (("a", "b"), ("c", "d"))


def regions(maps: np.ndarray, groups: tuple[tuple[str, ...], ...] = GROUPS) -> Regions:
    return Regions(maps, tuple("abcdefgh"[: len(maps)]), groups, 0, "grad-cam")


def drawn(n_tasks: int = 4, n_images: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n_tasks, n_images, 5, 4)).astype(np.float32)


def test_it_is_what_loops_find() -> None:
    maps, share = drawn(), 0.3
    maps[1, 2] = 0
    found = regions(maps).overlap(share)
    for i in range(4):
        for j in range(4):
            ious, correlations = [], []
            for a, b in zip(maps[i], maps[j], strict=True):
                if a.any() and b.any():
                    top = [set(np.argsort(-m.ravel())[:6].tolist()) for m in (a, b)]
                    ious.append(len(top[0] & top[1]) / len(top[0] | top[1]))
                    correlations.append(np.corrcoef(a.ravel(), b.ravel())[0, 1])
            assert found.iou[i, j] == pytest.approx(np.mean(ious))
            assert found.correlation[i, j] == pytest.approx(np.mean(correlations))
            assert found.n_images[i, j] == len(ious)


def test_the_same_maps_overlap_wholly() -> None:
    maps = np.repeat(drawn(1), 3, axis=0)
    found = regions(maps, (("a", "b", "c"),)).overlap()
    np.testing.assert_allclose(found.iou, 1)
    np.testing.assert_allclose(found.correlation, 1)
    assert found.of_iou is None


def test_maps_drawn_anywhere_overlap_as_chance_says() -> None:
    found = regions(drawn(4, 4000)).overlap(0.25)
    assert found.iou[0, 1] == pytest.approx(found.by_chance, abs=0.02)


def test_the_scale_of_a_map_does_not_matter() -> None:
    maps = drawn()
    np.testing.assert_allclose(regions(maps * 0.01).overlap().iou, regions(maps).overlap().iou)
    np.testing.assert_allclose(
        regions(maps * 0.01).overlap().correlation, regions(maps).overlap().correlation, rtol=1e-5
    )


def test_the_order_of_tasks_does_not_matter() -> None:
    maps, order = drawn(), [2, 0, 3, 1]
    names = tuple("abcd"[i] for i in order)
    moved = Regions(maps[order], names, GROUPS, 0, "grad-cam").overlap()
    found = regions(maps).overlap()
    np.testing.assert_allclose(moved.iou, found.iou[np.ix_(order, order)])
    assert moved.of_iou is not None
    assert found.of_iou is not None
    assert moved.of_iou.within == pytest.approx(found.of_iou.within)


def test_places_without_evidence_are_in_no_region() -> None:
    maps = np.zeros((2, 1, 4, 4), dtype=np.float32)
    maps[0, 0, 0, 0] = maps[1, 0, 3, 3] = 1
    assert regions(maps, (("a",), ("b",))).overlap(0.5).iou[0, 1] == 0


def test_groups_that_look_alike_are_told_from_groups_that_do_not() -> None:
    base = drawn(2, 30)
    alike = np.concatenate([base[[0]] + 0.05 * drawn(4, 30, 1), base[[1]] + 0.05 * drawn(4, 30, 2)])
    groups = (tuple("abcd"), tuple("efgh"))
    found = regions(alike, groups).overlap().of_iou
    assert found is not None
    assert found.low > 0
    assert found.p_value < 0.06  # 2 of 70 ways to deal 8 tasks do as well
    mixed = regions(alike, (tuple("aceg"), tuple("bdfh"))).overlap().of_iou
    assert mixed is not None
    assert mixed.p_value > 0.1


def test_without_groups_of_both_sorts_there_is_no_contrast() -> None:
    alone = (("a",), ("b",), ("c",), ("d",))
    assert regions(drawn(), alone).overlap().of_iou is None


def test_a_task_of_no_group_is_left_out_of_the_contrast() -> None:
    maps = drawn()
    whole = regions(maps).overlap(groups=[("a", "b"), ("c",)]).of_iou
    part = regions(maps[:3], (("a", "b"), ("c",))).overlap().of_iou
    assert whole == part


@pytest.mark.parametrize(
    ("share", "groups", "words"),
    [
        (0.0, None, "`share` must be above 0"),
        (1.0, None, "`share` must be above 0"),
        (0.2, [("a", "<script>")], "`groups` must hold tasks with maps only"),
        (0.2, [("a", "b"), ("a",)], "`groups` must hold a task once"),
    ],
)
def test_what_cannot_be_is_one_line(
    share: float, groups: list[tuple[str, ...]] | None, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        regions(drawn()).overlap(share, groups=groups)
