"""The ensemble on tables: what it knows out of fold, what it is saved as, and what it refuses."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from polars.testing import assert_frame_equal
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from tests.unit.runs._runs import without_digest

from ramify import fit, load
from ramify._core import InputError, ModelFileError
from ramify.data import open_table, parse_split
from ramify.report import verdict
from ramify.runs import Options, Run, prepare
from ramify.runs.methods import Auto, Job, _auto, _portfolio
from ramify.runs.methods._auto import _learned
from ramify.runs.methods._ensemble_model import EnsembleModel
from ramify.runs.methods._portfolio import Fit, Learned, candidates
from ramify.runs.methods._tensor_models import Forest
from ramify.training import Training, _settings

RNG = np.random.default_rng(0)
N = 240


def frame(n: int = N, *, missing: float = 0.2) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(n, 4))
    signal = x[:, 0] + x[:, 1] ** 2
    noise = rng.normal(size=(n, 4)) * 0.3
    columns = {
        "t_bit": np.where(signal + noise[:, 0] > 1, "yes", "no"),
        "t_class": np.array(["a", "b", "c"])[np.digitize(x[:, 1] + noise[:, 1], [-0.5, 0.5])],
        "t_number": 1e6 + 100 * (signal + noise[:, 2]),
        "t_other": x[:, 0] - signal + noise[:, 3],
    }
    found = pl.DataFrame({f"x{i}": x[:, i] for i in range(4)} | columns)
    gone = [pl.Series(rng.random(n) < missing) for _ in columns]
    return found.with_columns(
        pl.when(g).then(None).otherwise(pl.col(name)).alias(name)
        for name, g in zip(columns, gone, strict=True)
    )


@pytest.fixture(scope="module", autouse=True)
def _few_trees() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_portfolio, "N_TREES", 30)
        patch.setattr(_portfolio, "MOST_STEPS", 200)
        yield


@pytest.fixture(scope="module")
def run(_few_trees: None) -> Run:
    return fit(frame(), "t_*", sharing=Auto(tree=False), baselines=())


def learned(table: pl.DataFrame) -> Learned:
    chosen = Options(("t_*",), sharing=Auto(tree=False), baselines=())
    return _learned(Job(prepare(open_table(table), chosen), chosen))


def test_it_is_far_better_than_nothing_on_every_kind(run: Run) -> None:
    scores = {each.task: each.value or 0.0 for each in run.record.scores.test}
    assert scores["t_bit"] > 0.85
    assert scores["t_class"] > 0.6
    assert scores["t_number"] < 130  # standard deviation 175, noise 30
    assert sum(v for k, v in run.record.sharing.settings.items() if k.startswith("weight")) == (  # type: ignore[misc]
        pytest.approx(1, abs=0.01)
    )


def test_what_is_loaded_predicts_the_same(run: Run, tmp_path: Path) -> None:
    run.save(tmp_path / "run")
    new = frame().select(pl.col("^x.*$"))
    assert_frame_equal(load(tmp_path / "run").predict(new), run.predict(new))


def test_the_report_tells_of_the_ensemble_and_of_stored_rows(run: Run) -> None:
    page = run.report()
    assert "an ensemble of kernel machines" in page
    assert "weight of" in page
    assert "features of the 216 rows" in page


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("members", ["kernel", "spell"]),
        ("members", []),
        ("lengths", [10**9]),
        ("lengths", [-1]),
        ("n_inputs", 0),
        ("n_inputs", 17),
        ("sizes", [0, 1, 10**15]),
        ("sizes", [0, 3, 10**5, 10**5, 10**5]),
        ("sizes", []),
    ],
)
def test_a_changed_description_is_refused(
    run: Run, tmp_path: Path, place: str, value: object
) -> None:
    run.save(tmp_path / "run")
    path = without_digest(tmp_path / "run")
    card = json.loads(path.read_text(encoding="utf-8"))
    card["network"]["settings"][place] = value
    path.write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises((ModelFileError, InputError)):
        load(tmp_path / "run").predict(frame().select(pl.col("^x.*$")))


def test_every_size_in_a_description_counts(run: Run, tmp_path: Path) -> None:
    run.save(tmp_path / "run")
    path = without_digest(tmp_path / "run")
    text = path.read_text(encoding="utf-8")
    sizes = json.loads(text)["network"]["settings"]["sizes"]
    rng = np.random.default_rng(0)
    for place in rng.permutation(len(sizes))[:25]:
        card = json.loads(text)
        card["network"]["settings"]["sizes"][place] += int(rng.integers(1, 3))
        path.write_text(json.dumps(card), encoding="utf-8")
        # Single numbers may be read as double ones: these are the same.
        with contextlib.suppress(ModelFileError):
            found = load(tmp_path / "run").predict(frame().select(pl.col("^x.*$")))
            assert_frame_equal(found, run.predict(frame().select(pl.col("^x.*$"))))


def every_candidate() -> list[tuple[str, Fit, Learned]]:
    tables = {"numbers": frame(missing=0.0), "gaps": frame()}
    bits = frame().with_columns(pl.col("^x.*$") > 0)
    tables["bits"] = bits
    tables["many"] = frame(1200)
    found: dict[str, tuple[str, Fit, Learned]] = {}
    for table in tables.values():
        given = learned(table)
        # Of the long table only what a short one has not.
        found = {word: (word, fit, given) for word, fit in candidates(given)} | found
    return list(found.values())


def test_every_member_predicts_what_it_says_and_knows_nothing_of_held_out_labels() -> None:
    words = []
    for word, fit_member, given in every_candidate():
        words.append(word)
        found = fit_member(given)
        inputs = torch.from_numpy(given.inputs)
        columns = found.member.columns(inputs)
        assert columns.shape == found.oof.shape == given.labels.shape, word
        again = type(found.member).rebuilt(found.member.sizes, given.tasks)
        again.load_state_dict(found.member.state_dict())
        again.check(given.inputs.shape[1])
        assert_array_equal(again.columns(inputs), columns, word)
        held = sum(each.numel() for each in found.member.state_dict().values())
        assert found.member.numbers(found.member.sizes) <= held, word
        # Labels of chance cannot be known out of fold, however well they are fitted.
        chance = shuffled(given)
        guess = fit_member(chance)
        known = ~np.isnan(chance.labels[:, -1])
        label, oof = chance.labels[known, -1], guess.oof[known, -1]
        assert ((oof - label) ** 2).mean() > 0.85 * label.var(), word
    assert len(set(words)) == 10


def shuffled(given: Learned) -> Learned:
    order = np.random.default_rng(3).permutation(given.n_rows)
    parts = {name: getattr(given, name) for name in given.__dataclass_fields__}
    return Learned(
        **parts
        | {
            "labels": given.labels[order],
            "targets": given.targets[order],
            "label_mask": given.label_mask[order],
        }
    )


def test_units_of_numbers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees take variances near 1e-16 for none, and squares of 1e200 have no number."""
    monkeypatch.setattr(_portfolio, "_FEWEST_FOR_BOOSTING", 100)
    table = frame(missing=0.0).select(pl.col("^x.*$"), "t_other")
    first = learned(table)
    before = [fit_member(first).oof[:, -1] for _, fit_member in candidates(first)]
    for scale, offset in ((1e-12, 0.0), (1e25, 1e27)):
        moved = learned(table.with_columns(pl.col("t_other") * scale + offset))
        for one, (word, fit_member) in zip(before, candidates(moved), strict=True):
            assert np.corrcoef(one, fit_member(moved).oof[:, -1])[0, 1] > 0.99, word


def test_many_rows_keep_the_validation_rows_as_the_only_fold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_auto, "MANY_ROWS", 100)
    given = learned(frame())
    assert set(given.fold.tolist()) == {-1, 0}
    assert (given.fold == 0).sum() == 24
    found = fit(frame(), "t_*", sharing=Auto(tree=False), baselines=())
    assert np.isfinite(found.predict(frame().select(pl.col("^x.*$")))["t_number"].to_numpy()).all()


def test_whole_groups_are_in_one_fold() -> None:
    table = frame().with_columns(who=pl.Series(RNG.integers(0, 20, N).astype(str)))
    options = Options(
        ("t_*",), sharing=Auto(tree=False), baselines=(), split=parse_split("group:who")
    )
    prepared = prepare(open_table(table), options)
    given = _learned(Job(prepared, options))
    rows = np.concatenate([prepared.split.train, prepared.split.validation])
    folds = pl.DataFrame({"who": table["who"].to_numpy()[rows], "fold": given.fold})
    assert folds.group_by("who").agg(pl.col("fold").n_unique())["fold"].max() == 1
    assert folds["fold"].n_unique() == 5


def test_tasks_with_rows_of_their_own_are_pooled_as_far_as_it_helps() -> None:
    rng = np.random.default_rng(2)
    n, n_tasks = 300, 6
    x, task = rng.normal(size=(n, 3)), rng.integers(0, n_tasks, n)
    y = np.sin(2 * x[:, 0]) + x[:, 1] + task + 0.1 * rng.normal(size=n)
    targets = {f"t_{t}": np.where(task == t, y, np.nan) for t in range(n_tasks)}
    table = pl.DataFrame({f"x{i}": x[:, i] for i in range(3)} | targets).fill_nan(None)
    given = learned(table)
    assert given.task is not None
    words = [word for word, _ in candidates(given)]
    assert "one forest that reads the task" in words
    run = fit(table, "t_*", sharing=Auto(tree=False), baselines=())
    found = run.predict(pl.DataFrame({"x0": [0.0], "x1": [0.0], "x2": [0.0]})).to_numpy()[0]
    assert_allclose(found, np.arange(n_tasks), atol=0.6)
    assert run.record.sharing.shares


def test_tasks_of_one_class_or_without_labels_cost_no_other() -> None:
    table = frame().with_columns(t_flat=pl.lit("yes"), t_none=pl.lit(None, dtype=pl.Float64))
    table = table.with_columns(
        t_none=pl.when(pl.int_range(N) < 3).then(pl.Series(np.arange(N) * 1.0)).otherwise(None)
    )
    run = fit(
        table,
        "t_bit,t_flat,t_none",
        kinds={"t_flat": "binary"},
        sharing=Auto(tree=False),
        baselines=(),
    )
    scores = {each.task: each.value for each in run.record.scores.test}
    assert (scores["t_bit"] or 0) > 0.8


def test_a_branched_network_beside_it_shows_what_tasks_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_settings.EFFORTS, "standard", _settings.EFFORTS["quick"])
    run = fit(frame(), "t_*", baselines="shared")
    assert run.record.sharing.name == "auto"
    assert list(run.record.baselines) == ["branched", "shared"]
    assert run.record.tree.stages == run.record.baselines["branched"].stages
    assert run.record.affinity
    assert "Sharing" not in verdict(run.record)
    assert "the branched network" in verdict(run.record)
    assert "In the branched network beside it" in run.report()
    run.save(tmp_path / "run")
    assert load(tmp_path / "run").record == run.record


def test_what_concerns_networks_asks_for_a_network() -> None:
    few = Training(epochs=1)
    assert fit(frame(), "t_*", training=few, baselines=()).record.sharing.name == "fully-adaptive"
    assert fit(frame(), "t_bit", hidden=(4,), baselines=()).record.sharing.name == "fully-adaptive"


def test_a_ranking_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="ranking, such as 't_bit'"):
        fit(
            frame().with_columns(t_bit=pl.int_range(N) % 3),
            "t_*",
            kinds={"t_bit": "ranking"},
            sharing=Auto(tree=False),
            baselines=(),
        )


def test_it_stops_beginning_members_when_time_is_over() -> None:
    table, options = (
        frame(),
        Options(("t_*",), sharing=Auto(seconds=1e-9, tree=False), baselines=()),
    )
    found = Auto(seconds=1e-9, tree=False).fit(Job(prepare(open_table(table), options), options))
    assert isinstance(found.model, EnsembleModel)
    assert len(found.model.members) == 1
    with pytest.raises(InputError, match="above 0"):
        Auto(seconds=0)


@pytest.mark.parametrize("made", [HistGradientBoostingRegressor, HistGradientBoostingClassifier])
def test_boosted_trees_as_tensors_say_what_scikit_learn_says(made: type) -> None:
    x = RNG.normal(size=(200, 3)).astype(np.float32)
    y = x[:, 0] + x[:, 1] ** 2
    wanted = made(max_iter=30, random_state=0).fit(
        x, y > 0.5 if "Classifier" in made.__name__ else y
    )
    part = Forest.of_steps(
        [n.nodes for (n,) in wanted._predictors], float(wanted._baseline_prediction.item())
    )
    found = part(torch.from_numpy(x))[:, 0]
    if "Classifier" in made.__name__:
        assert_allclose(found.sigmoid().numpy(), wanted.predict_proba(x)[:, 1], rtol=1e-6)
    else:
        assert_allclose(found.numpy(), wanted.predict(x), rtol=1e-6)
    part.check(3)


def test_a_forest_of_several_outputs_says_what_scikit_learn_says() -> None:
    x = RNG.normal(size=(200, 3)).astype(np.float32)
    y = np.stack([x[:, 0], x[:, 1] ** 2], axis=1)
    wanted = RandomForestRegressor(10, random_state=0).fit(x, y)
    part = Forest.of_columns([each.tree_ for each in wanted.estimators_])
    assert_allclose(part(torch.from_numpy(x)).numpy(), wanted.predict(x), rtol=1e-6)
