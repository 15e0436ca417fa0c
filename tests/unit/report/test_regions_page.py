"""The page of regions: one file without a script, whatever tasks and models are called."""

from pathlib import Path

import numpy as np
import pytest

from ramify._core import ModelFileError
from ramify.records import ContrastInfo, ModelRegions, RegionsRecord
from ramify.report import region_sentences, render_regions
from ramify.report.views._regions_view import regions_view

from ._situations import HOSTILE, TOX21
from .test_page import Page

PICTURE = "iVBORw0KGgo="
MANY = [f"task {i}" for i in range(617)]


def contrast(low: float, high: float) -> ContrastInfo:
    return ContrastInfo(within=0.4, between=0.2, low=low, high=high, p_value=0.01)


def regions(
    tasks: list[str],
    found: ContrastInfo | None,
    *,
    names: tuple[str, ...] = ("run",),
    unknown: bool = False,
) -> RegionsRecord:
    n = len(tasks)
    values = np.random.default_rng(0).random((n, n))
    iou: list[list[float | None]] = ((values + values.T) / 2).tolist()
    for i in range(n):
        iou[i][i] = 1.0
    if unknown:
        for i in range(n):
            iou[0][i] = iou[i][0] = None
    groups = [tasks[: n // 2], tasks[n // 2 :]]
    model = ModelRegions(
        name=names[0],
        stage=3,
        groups=groups,
        pictures={name: [PICTURE] * 8 for name in tasks[:24]},
        iou=iou,
        correlation=iou,
        of_iou=found,
        of_correlation=found,
    )
    return RegionsRecord(
        source=tasks[0],
        method="hires-cam",
        n_images=64,
        share=0.2,
        by_chance=0.2 / 1.8,
        tasks=tasks,
        groups=groups,
        shown=[PICTURE] * 8,
        models=[model.model_copy(update={"name": name}) for name in names],
    )


CASES = {
    "two": regions(["a", "b"], None),
    "twelve": regions(TOX21, contrast(0.1, 0.3), names=("run", "shared")),
    "many": regions(MANY, contrast(-0.1, 0.3), names=("run", "shared")),
    "hostile": regions(HOSTILE, None, names=(HOSTILE[0], HOSTILE[1])),
    "unknown": regions(TOX21, None, unknown=True),
    "one": regions(["only"], None),
}
every_case = pytest.mark.parametrize("record", CASES.values(), ids=CASES)


@every_case
def test_the_page_is_closed_and_loads_and_runs_nothing(record: RegionsRecord) -> None:
    page = Page(render_regions(record))
    assert page.open == []
    assert page.scripts == []
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert page.values("content")[0] == policy
    assert all(each.startswith("data:image/png;base64,") for each in page.values("src"))
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(page.values("aria-labelledby")) <= set(ids)


def test_hostile_names_are_text() -> None:
    source = render_regions(CASES["hostile"])
    assert not set(source) & {"\x00", "\u202e", "\u2028", "\u2029"}
    assert "&lt;img src=x onerror=alert(1)&gt;" in source


def test_617_tasks_make_no_huge_page() -> None:
    view = regions_view(CASES["many"])
    assert sum(map(len, view.groups)) == 24
    assert view.n_left_out == 593
    assert len(render_regions(CASES["many"])) < 400_000


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.3, "look at the same parts more than other pairs"),
        (-0.3, -0.1, "overlap less than other pairs on these pictures"),
        (-0.1, 0.3, "cannot be told apart"),
    ],
)
def test_a_claim_is_made_only_if_the_interval_is_on_one_side(
    low: float, high: float, words: str
) -> None:
    assert words in region_sentences(regions(TOX21, contrast(low, high)))[0]


def test_a_single_picture_gives_no_interval_and_no_claim() -> None:
    record = regions(TOX21, contrast(0.2, 0.2))
    words = " ".join(region_sentences(record))
    assert "cannot be told apart" in words
    assert "no interval" in words
    assert '<td class="n">none</td>' in render_regions(record)


def test_what_random_groups_do_as_well_is_no_claim() -> None:
    found = contrast(0.1, 0.3).model_copy(update={"p_value": 0.2})
    first = region_sentences(regions(TOX21, found))[0]
    assert "though a random deal may explain it" in first
    assert "look at the same parts" not in first


def test_maps_of_different_depth_are_told() -> None:
    record = regions(TOX21, contrast(0.1, 0.3))
    one, other = record.models[0], record.models[0].model_copy(update={"name": "b", "stage": 9})
    apart = region_sentences(record.model_copy(update={"models": [one, other]}))
    assert any("not compared at the same depth" in sentence for sentence in apart)
    assert not any("depth" in sentence for sentence in region_sentences(record))


def test_without_groups_the_mean_of_all_pairs_is_told() -> None:
    first, second, *_ = region_sentences(CASES["two"])
    assert "no groups to compare" in first
    assert "of all pairs is" in second


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    CASES["unknown"].save(tmp_path / "regions.json")
    assert RegionsRecord.load(tmp_path / "regions.json") == CASES["unknown"]
    (tmp_path / "regions.json").write_text("{")
    with pytest.raises(ModelFileError):
        RegionsRecord.load(tmp_path / "regions.json")


def test_a_matrix_of_another_size_is_refused() -> None:
    damaged = CASES["twelve"].model_dump()
    damaged["models"][0]["iou"] = [[1.0]]
    with pytest.raises(ValueError, match="one row and one column per task"):
        RegionsRecord.model_validate(damaged)
