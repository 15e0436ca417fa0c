import numpy as np
import polars as pl
import pytest

from ramify.data import infer_schema, open_table

N = 200
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, N)
GRADES = RNG.choice(["u", "v", "w"], N)
VALUES = RNG.random(N)
NOISE = RNG.random(N)


def warnings(feature: object) -> list[str]:
    frame = pl.DataFrame(
        {"noise": NOISE, "x": feature, "bit": LABELS, "grade": GRADES, "value": VALUES}
    ).with_columns(bit=pl.when(pl.col("noise") < 0.8).then("bit"))
    found = infer_schema(open_table(frame), ["bit", "grade", "value"])
    return [warning for warning in found.warnings if "gives it away" in warning]


COPIES = {
    "copy": (LABELS, "bit"),
    "reversed": (1 - LABELS, "bit"),
    "scaled": (LABELS * 1000 - 7, "bit"),
    "words": (np.where(LABELS, "ill", "well"), "bit"),
    "copy with gaps": (pl.Series(LABELS).scatter(np.arange(0, N, 3), None), "bit"),
    "equal where labelled": (np.where(NOISE < 0.8, LABELS, 5), "bit"),
    "number": (VALUES, "value"),
    "other unit": (VALUES * 1.8 + 32, "value"),
    "huge": (VALUES * 1e30, "value"),
    "renamed classes": (np.char.add(GRADES, "!"), "grade"),
}


@pytest.mark.parametrize(("feature", "target"), COPIES.values(), ids=COPIES)
def test_a_copy_of_a_target_is_warned_of(feature: object, target: str) -> None:
    assert [
        f"feature 'x' is a copy or recoding of target '{target}'" in w for w in warnings(feature)
    ] == [True]


HONEST = {
    "independent": RNG.random(N),
    "nearly": np.where(np.arange(N) == 150, 1 - LABELS, LABELS),
    "noisy number": VALUES + 0.05 * RNG.random(N),
    "rare": (np.arange(N) == 3).astype(int),
    "shuffled classes": RNG.permutation(GRADES),
}


@pytest.mark.parametrize("feature", HONEST.values(), ids=HONEST)
def test_an_honest_feature_is_not_warned_of(feature: object) -> None:
    assert warnings(feature) == []


def test_many_copies_give_few_lines() -> None:
    frame = pl.DataFrame({f"x{i}": LABELS for i in range(40)} | {"y": LABELS, "z": NOISE})
    found = infer_schema(open_table(frame), ["y"])
    assert len(found.warnings) == 11
    assert found.warnings[-1] == "30 more features are copies of targets"


def test_a_copy_beyond_the_sample_is_found_and_a_near_copy_is_not() -> None:
    n = 20_000
    labels = np.random.default_rng(1).integers(0, 2, n)
    wrong = labels.copy()
    wrong[1:200:2] = 1 - wrong[1:200:2]
    frame = pl.DataFrame({"x": labels, "wrong": wrong, "y": labels})
    found = infer_schema(open_table(frame), ["y"])
    assert [warning.split("'")[1] for warning in found.warnings] == ["x"]
