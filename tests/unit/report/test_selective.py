"""What the page and the terminal say of selective sharing is what the record holds."""

import io

import pytest
from rich.console import Console

from ramify.records import Regrouping
from ramify.report import print_summary, render, verdict
from ramify.report.charts._group_marks import ALONE, group_marks
from ramify.report.views._distance_view import Distances, distances
from ramify.report.views._flow_view import flow
from ramify.report.views._loadings_view import scatter
from ramify.report.views._regrouping_view import selective_picture
from ramify.report.words._regrouping_words import regrouped, unjudged

from ._regroupings import looks
from ._situations import HOSTILE, RECORDS, TOX21

MANY = [f"ChEMBL {i}" for i in range(617)]
CASES = {
    "two": looks(["left", "right"], 1, 1),
    "twelve": looks(TOX21, 4, 4),
    "unknown": looks(TOX21, 4, 4, unknown=(0, 9)),
    "many": looks(MANY, 60, 14),
    "hostile": looks(HOSTILE, 4, 3, unknown=(1,)),
}
every_case = pytest.mark.parametrize("made", CASES.values(), ids=CASES)


def drawn_distances(look: Regrouping) -> Distances | None:
    return distances(look.tasks, look.distances, look.groups)


@every_case
def test_no_bar_covers_another(made: list[Regrouping]) -> None:
    drawn = flow(made)
    assert drawn is not None
    boxes = sorted((b.x, b.y, b.x + b.width, b.y + b.height) for b in drawn.bars)
    for i, (_, y, right, bottom) in enumerate(boxes):
        for x, other_y, _, other_bottom in boxes[i + 1 :]:
            assert x >= right - 0.2 or other_y >= bottom - 0.2 or y >= other_bottom - 0.2
    assert max(box[3] for box in boxes) <= drawn.height
    assert drawn.height < 700


def test_every_task_has_a_lane_and_every_merged_group_its_keeper() -> None:
    drawn, last = flow(CASES["twelve"]), CASES["twelve"][-1]
    assert drawn is not None
    assert sorted(lane.name for lane in drawn.lanes) == sorted(TOX21)
    pairs = zip(last.keepers, last.groups, strict=True)
    kept = {keeper for keeper, group in pairs if len(group) > 1}
    assert {lane.name for lane in drawn.lanes if lane.keeps} == kept


def test_bars_are_the_groups_from_left_to_right() -> None:
    drawn = flow(looks(["a", "b"], 1, 1))
    assert drawn is not None
    ordered = sorted(drawn.bars, key=lambda bar: (bar.x, bar.y))
    assert [bar.tip for bar in ordered] == ["a", "b", "a and b · estimator of b"]


def test_a_divided_group_is_several_bars_that_end_apart() -> None:
    whole = looks(["a", "b", "c"], 1, 1)[0]
    apart = whole.model_copy(
        update={
            "before": whole.groups,
            "groups": [["a", "c"], ["b"]],
            "keepers": ["a", "b"],
            "step": 40,
        }
    )
    drawn = flow([whole, apart])
    assert drawn is not None
    assert [bar.tip for bar in drawn.bars].count("a and c · estimator of a") == 1


def test_without_a_change_there_is_a_sentence_and_no_chart_of_changes() -> None:
    made = looks(TOX21, 3, 2, merges=False)
    picture = selective_picture(made)
    assert picture is not None
    assert (picture.flow, picture.sizes, picture.rows) == (None, None, [])
    assert picture.sentence.endswith("each of the 12 tasks keeps an estimator of its own.")
    assert selective_picture([]) is None


def test_the_sentence_counts_groups_and_parameters() -> None:
    assert regrouped(looks(["left", "right"], 1, 1)) == (
        "Selective sharing looked at the tasks' gradients once and made 1 group of 2: left uses the "
        "estimator of right. The network went from 180 k to 140 k parameters. The last change was "
        "in epoch 1, at step 20."
    )
    record = RECORDS["selective"]()
    assert regrouped(record.regroupings) in verdict(record)


def test_unknown_distances_are_counted_and_their_tasks_have_no_place() -> None:
    last = CASES["unknown"][-1]
    picture, drawn = drawn_distances(last), scatter(last, group_marks(last.groups))
    assert picture is not None
    assert drawn is not None
    assert picture.n_unknown == 21
    assert picture.unknown
    assert unjudged(last).startswith("21 pairs of tasks have no distance")
    assert {place.tip for place in drawn.places} == {
        n for n in TOX21 if n not in (TOX21[0], TOX21[9])
    }


def test_if_nothing_is_known_there_is_no_matrix_and_no_scatter() -> None:
    (look,) = looks(["a", "b"], 2, 1, unknown=(0, 1))
    picture = selective_picture([look])
    assert picture is not None
    assert (picture.distances, picture.scatters) == (None, [])
    assert picture.unjudged.startswith("1 pair of tasks has no distance")


def test_groups_of_the_same_linkage_are_squares() -> None:
    last = CASES["twelve"][-1]
    picture = drawn_distances(last)
    assert picture is not None
    assert len(picture.squares) == sum(len(group) > 1 for group in last.groups)
    assert sorted(name for _, name in picture.names) == sorted(TOX21)


def test_617_tasks_are_a_small_matrix() -> None:
    picture = drawn_distances(CASES["many"][-1])
    assert picture is not None
    assert len(picture.names) == 40
    assert picture.bundled


@every_case
def test_names_beside_dots_do_not_leave_the_paper(made: list[Regrouping]) -> None:
    drawn = scatter(made[-1], group_marks(made[-1].groups))
    assert drawn is not None
    assert all(drawn.top <= place.name_y <= drawn.height for place in drawn.places if place.name)


def test_a_task_alone_has_the_plain_mark() -> None:
    marks = group_marks([["a", "b"], ["c"], ["d", "e", "f"]])
    assert marks["c"] == ALONE
    assert len({marks["a"], marks["c"], marks["d"]}) == 3


def test_hostile_names_are_escaped() -> None:
    record = RECORDS["hostile"]()
    section = render(record).split('<section id="selective"')[1].split("</section>")[0]
    assert "<script" not in section
    assert "<img" not in section
    assert "&lt;img src=x onerror=alert(1)&gt;" in section


def test_the_page_of_617_tasks_is_bounded() -> None:
    section = render(RECORDS["selective_many"]()).split('<section id="selective"')[1]
    assert len(section.split("</section>")[0]) < 400_000


def test_the_terminal_has_the_sentence() -> None:
    console = Console(file=io.StringIO(), width=400)
    print_summary(RECORDS["selective"](), console)
    assert isinstance(console.file, io.StringIO)
    assert "Selective sharing looked at the tasks' gradients 4 times" in console.file.getvalue()


@every_case
def test_the_dendrogram_ends_beside_the_matrix(made: list[Regrouping]) -> None:
    picture = drawn_distances(made[-1])
    assert picture is not None
    corners = [corner.split(",") for fork in picture.forks for corner in fork.split(" ")]
    assert min(float(x) for x, _ in corners) == pytest.approx(10)
    assert max(float(x) for x, _ in corners) == pytest.approx(picture.left - 6)
    assert all(0 <= float(y) <= picture.side for _, y in corners)


def test_the_matrix_is_that_of_tasks_which_still_had_gradients_of_their_own() -> None:
    last = CASES["twelve"][-1]
    apart = last.model_copy(update={"before": [[name] for name in last.tasks]})
    nothing = [[0.0] * 12 for _ in range(12)]
    merged = last.model_copy(update={"before": last.groups, "distances": nothing})
    picture = selective_picture([apart, merged])
    assert picture is not None
    assert picture.distances == distances(apart.tasks, apart.distances, merged.groups)
    assert picture.when == "before any task was joined"
    alone = selective_picture([merged])
    assert alone is not None
    assert alone.when == "at the last look"


def test_the_figures_are_the_distances() -> None:
    last = CASES["twelve"][-1]
    picture = drawn_distances(last)
    assert picture is not None
    assert picture.unknown == ""
    place = {name: i for i, name in enumerate(last.tasks)}
    rows = [place[name] for _, name in picture.names]
    wanted = [last.distances[i][j] or 0.0 for i in rows for j in rows if i != j]
    assert [float(cell.text) for cell in picture.cells] == pytest.approx(wanted, abs=0.006)
