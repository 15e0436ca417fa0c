"""One run record per situation that a report must read well in."""

from ramify.records import RunRecord, Scores

from ._records import random_stages, record, stages_of
from ._regroupings import looks

TOX21 = [
    "NR-AR",
    "NR-AR-LBD",
    "NR-AhR",
    "NR-Aromatase",
    "NR-ER",
    "NR-ER-LBD",
    "NR-PPAR-gamma",
    "SR-ARE",
    "SR-ATAD5",
    "SR-HSE",
    "SR-MMP",
    "SR-p53",
]
TOX21_TREE = (
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    [[0, 1], [2, 3, 6, 7, 8, 9, 10, 11], [4, 5]],
    [
        [0, 1],
        [2, 7, 10],
        [3, 6, 8, 11],
        [9],
        [4, 5],
    ],
)
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "<!--",
    "]]>",
    "a\"b'c`d&amp;",
    "[bold red]rich[/bold red]",
    "<b>bold</b><a href='https://evil.example'>x</a>",
    "two\nlines\tand\rmore",
    "line\u2028separator\u2029here",
    "\u202egnol\u202c",
    "{{ 7 * 7 }}{% raw %}",
    "x" * 10_000,
    "$(rm -rf ~)",
    "null\x00byte",
    " ",
]


def twelve() -> RunRecord:
    return record(TOX21, stages_of(TOX21, TOX21_TREE), absent={9})


def many() -> RunRecord:
    names = [f"ChEMBL {i:05d} inhibition of target {i % 83}" for i in range(617)]
    return record(names, random_stages(names, [1, 6, 31, 96]), absent={3, 400}, seed=3)


def hostile() -> RunRecord:
    made = record(HOSTILE, random_stages(HOSTILE, [1, 3, 6]), warnings=list(HOSTILE[:6]))
    labels = [each.model_copy(update={"summary": each.task}) for each in made.data.labels]
    nasty = {name: name for name in HOSTILE}
    return made.model_copy(
        update={
            "regroupings": looks(HOSTILE, 4, 3, unknown=(1,)),
            "data": made.data.model_copy(
                update={"source": HOSTILE[0], "left_out": nasty, "labels": labels}
            ),
            "settings": nasty,
            "versions": nasty,
            "command": HOSTILE[1],
            "affinity": {HOSTILE[i]: a for i, a in enumerate(made.affinity.values())},
            "curves": [
                c.model_copy(update={"phase": HOSTILE[c.epoch % 2]}) for c in made.curves[:30]
            ],
        }
    )


def selective() -> RunRecord:
    made = looks(TOX21, 4, 4, unknown=(9,))
    return twelve().model_copy(update={"regroupings": made})


def selective_many() -> RunRecord:
    names = [f"ChEMBL {i:05d} inhibition of target {i % 83}" for i in range(617)]
    made = looks(names, 60, 14, unknown=(2, 3))
    return record(names, [[[*names]]]).model_copy(update={"regroupings": made, "affinity": {}})


def nothing_merged() -> RunRecord:
    return twelve().model_copy(update={"regroupings": looks(TOX21, 3, 2, merges=False)})


def one() -> RunRecord:
    return record(["toxic"], [[["toxic"]]] * 3)


def no_baselines() -> RunRecord:
    return record(TOX21, stages_of(TOX21, TOX21_TREE), baselines=())


def all_absent() -> RunRecord:
    return record(TOX21, stages_of(TOX21, TOX21_TREE), absent=set(range(12)))


def mixed() -> RunRecord:
    kinds = ("binary", "multiclass", "regression")
    return record(TOX21, stages_of(TOX21, TOX21_TREE), kinds=kinds)


def bare() -> RunRecord:
    """As little as a record may hold."""
    made = record(["a", "b"], [[["a", "b"]]], baselines=(), warnings=[])
    data = made.data.model_copy(update={"labels": [], "left_out": {}, "rows": {}, "features": {}})
    empty: dict[str, object] = {"path": [], "affinity": {}, "stability": [], "curves": []}
    none = Scores(test=[], validation=[])
    return made.model_copy(
        update=empty | {"data": data, "scores": none, "settings": {}, "versions": {}, "seconds": {}}
    )


RECORDS = {
    "twelve": twelve,
    "many": many,
    "hostile": hostile,
    "selective": selective,
    "selective_many": selective_many,
    "nothing_merged": nothing_merged,
    "one": one,
    "no_baselines": no_baselines,
    "all_absent": all_absent,
    "mixed": mixed,
    "bare": bare,
}
