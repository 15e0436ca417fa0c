"""Any table with any options: it works, or it is one line and exit code 2.

``RAMIFY_FUZZ`` says how many cases are tried; `make fuzz` tries 2,000.
"""

import contextlib
import io
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ramify.cli import main

CASES = int(os.environ.get("RAMIFY_FUZZ", "4"))
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
VALUES = {
    "numbers": st.floats(-1e6, 1e6, width=32),
    "extremes": st.sampled_from([0.0, 1e-300, -1e300, 1e15, 1.7e9]),
    "whole": st.integers(-(2**62), 2**62),
    "few": st.integers(0, 2),
    "text": st.sampled_from(["a", "b", "c", "None", "NA", "01", "1", "ä,;"]),
    "any text": NAMES,
    "truth": st.booleans(),
    "dates": st.dates(),
    "constant": st.just(7),
}
LABELS = {
    "binary": st.integers(0, 1),
    "words": st.sampled_from(["low", "mid", "high"]),
    "real": st.floats(-1e3, 1e3, width=32),
    "constant": st.just(1),
    "rare": st.sampled_from([0] * 19 + [1]),
}
SHARINGS = (
    *("hard", "single-task", "fully-adaptive", "soft", "mmoe", "cross-stitch", "selective"),
    *("linear:clustered", "ridge-logistic"),
)


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """A few rows of features, and of targets named y0 and on, of any kinds, some values missing."""
    n = draw(st.sampled_from([40, 41, 42, 43, 44, 45, 60, 12, 3, 1, 0]))
    least = draw(st.sampled_from([2, 1, 1, 0]))
    features = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=least, max_size=4))
    targets = draw(st.lists(st.sampled_from(sorted(LABELS)), min_size=1, max_size=4))
    columns: dict[str, pl.Series] = {}
    for place, kind in enumerate(features):
        prefix = draw(st.sampled_from(["x", "=x", "x, ", '"x']))
        columns[f"{prefix}{place}"] = column(draw, VALUES[kind], n)
    for place, kind in enumerate(targets):
        columns[f"y{place}"] = column(draw, LABELS[kind], n)
    return pl.DataFrame(columns)


def column(draw: st.DrawFn, values: st.SearchStrategy[object], n: int) -> pl.Series:
    given = draw(st.lists(values, min_size=n, max_size=n))
    missing = draw(st.sampled_from([0.0, 0.0, 0.0, 0.2, 0.2, 0.9]))
    gone = np.random.default_rng(draw(st.integers(0, 99))).random(n) < missing
    return pl.Series([None if g else v for g, v in zip(gone, given, strict=True)], strict=False)


@st.composite
def options(draw: st.DrawFn) -> dict[str, object]:
    """A way of sharing, and one or two options more: few of them fit together with everything."""
    sharing = draw(st.sampled_from(SHARINGS))
    chosen: dict[str, object] = {"--sharing": sharing, "--seed": draw(st.integers(0, 9))}
    more: dict[str, st.SearchStrategy[object]] = {
        "--baselines": st.sampled_from(["none", "shared", "single_task,shared"]),
        "--kind": st.sampled_from(["y0=regression", "y0=binary", "y0=multiclass", "y1=ordinal"]),
        "--split": st.sampled_from(["random", "random", "group:x0", "column:y0"]),
    }
    if not linear(chosen):
        more["--batch-size"] = st.sampled_from([1, 2, 64])
        more["--learning-rate"] = st.sampled_from([1e-3, 1e-3, 1e6])
    if sharing == "fully-adaptive":
        more["--max-parameters"] = st.sampled_from([10, 10_000])
        more["--alpha"] = st.sampled_from([0.0, 5.0])
    for name in draw(st.lists(st.sampled_from(sorted(more)), max_size=2, unique=True)):
        chosen[name] = draw(more[name])
    return chosen


def said(*arguments: object) -> str:
    """What a command complains of; empty where it worked. Warnings of libraries are faults."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        try:
            main([str(each) for each in arguments])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
    words = err.getvalue()
    assert code in (0, 2), words
    if code == 0:
        assert words == ""
    else:
        assert words.startswith("error: "), words
        assert words.count("\n") == 1, words
    return words


def check_predictions(found: pl.DataFrame, backwards: pl.DataFrame, n_rows: int) -> None:
    """All rows, in their order, and numbers that may be."""
    assert len(found) == n_rows
    assert found.columns == backwards.columns
    for name in found.columns:
        if not found[name].dtype.is_numeric():
            assert found[name].to_list() == backwards[name].to_list()[::-1]
            continue
        values = found[name].to_numpy()
        assert np.isfinite(values).all(), name
        target, _, label = name.partition("=")
        if label:  # a class; of a target of two there is a column for the second alone
            assert values.min(initial=0) >= 0
            assert values.max(initial=0) <= 1
            of_target = [each for each in found.columns if each.startswith(f"{target}=")]
            if len(of_target) > 1:
                sums = found.select(of_target).sum_horizontal()
                np.testing.assert_allclose(sums, 1, atol=1e-4)
        # Sums of other batches may round otherwise.
        np.testing.assert_allclose(values, backwards[name].to_numpy()[::-1], rtol=1e-3, atol=1e-4)


@settings(
    max_examples=CASES,
    deadline=None,
    derandomize=CASES < 100,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(table=tables(), chosen=options(), packed=st.booleans())
def test_it_works_or_is_one_line(
    table: pl.DataFrame, chosen: dict[str, object], packed: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / ("t.parquet" if packed else "t.csv")
        write = pl.DataFrame.write_parquet if packed else pl.DataFrame.write_csv
        write(table, source)
        quick = ["--hidden", "4,4", "--epochs", "1"] if not linear(chosen) else []
        words = [f"{option}={value}" for option, value in chosen.items()]
        run = folder / "run"
        if said("fit", source, "--targets", "y*", "--output", run, *quick, *words):
            assert not (run / "model.json").exists()
            return
        answers = []
        for place, rows in enumerate((table, table[::-1])):
            given_rows = folder / f"rows-{place}.{'parquet' if packed else 'csv'}"
            write(rows, given_rows)
            answer = folder / f"answer-{place}.parquet"
            if said("predict", run, given_rows, "--output", answer):
                return
            answers.append(pl.read_parquet(answer))
        check_predictions(answers[0], answers[1], len(table))


def linear(chosen: dict[str, object]) -> bool:
    return str(chosen["--sharing"]).startswith(("linear", "ridge"))
