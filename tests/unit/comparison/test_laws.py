"""Laws of a comparison: what must not matter does not, and nothing that is finished is lost."""

import logging
import os
import signal
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ramify._core import InputError, StoppedError
from ramify.comparison import Progress, _schedule, _summary, _work
from ramify.comparison._contender import Work
from ramify.comparison._statistics import Values, paired_gain
from ramify.comparison._work import Done
from ramify.networks import Backbone, BranchedNetwork
from ramify.records import Gain, Scores
from ramify.runs import Finished, Job, fit_and_score
from ramify.sharing import FullyAdaptive, HardSharing, Sharing
from ramify.tasks import TaskSet
from ramify.training import EpochEnded

from ._small import adaptive, compared, hard, mixed, small_table, substance

ALWAYS = {"hard", "single-task", "random-forest", "ridge-logistic"}


class Failing(Sharing):
    """Fails to build for one seed."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        if self.error is not None:
            raise self.error
        return HardSharing().build(backbone, tasks, n_features)


def test_single_task_shared_and_two_baselines_always_take_part() -> None:
    assert {method.name for method in mixed().methods} == ALWAYS | {"adaptive"}


def test_the_same_way_of_sharing_under_two_names_ties_exactly() -> None:
    record = compared(small_table(), sharing={"again": hard}).record
    again = next(method for method in record.methods if method.name == "again")
    gain = again.gains["hard"]
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)
    assert again.delta_m == next(m for m in record.methods if m.name == "hard").delta_m


def test_the_order_of_methods_and_seeds_does_not_matter() -> None:
    frame = small_table()
    one = compared(frame, sharing={"adaptive": adaptive, "again": hard}, seeds=[0, 3]).record
    other = compared(frame, sharing={"again": hard, "adaptive": adaptive}, seeds=[3, 0]).record
    assert substance(one) == substance(other)


def test_further_methods_change_nothing_for_the_others() -> None:
    few = compared(small_table(), sharing={}).record
    many = compared(small_table()).record
    scores = {method.name: method.test for method in many.methods}
    assert {method.name: method.test for method in few.methods}.items() <= scores.items()


def test_two_processes_give_the_result_of_one(tmp_path: Path) -> None:
    # A function of a test's module is not found in another process; a lambda travels whole.
    ways = {"adaptive": lambda seed: FullyAdaptive(growing_epochs=1, n_candidates=2, seed=seed)}
    one = compared(small_table(), sharing=ways, seeds=1).record
    two = compared(small_table(), sharing=ways, seeds=1, processes=2, output=tmp_path).record
    assert substance(one) == substance(two)


@pytest.mark.parametrize(("asked", "started"), [(99, len(ALWAYS)), (1, 1), (-1, -1)])
def test_no_more_processes_are_started_than_there_are_runs(
    monkeypatch: pytest.MonkeyPatch, asked: int, started: int
) -> None:
    seen: list[int | None] = []

    def recording(works: Sequence[Work], processes: int | None) -> Generator[Done]:
        seen.append(processes)
        return done(works, 1)

    done = _schedule._done
    monkeypatch.setattr(_schedule, "_done", recording)
    compared(small_table(), sharing={}, seeds=1, processes=asked)
    assert seen == [started]


def test_a_resumed_comparison_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    straight = compared(small_table(), output=tmp_path / "straight").record
    seen: list[Progress] = []

    def interrupt(ended: Progress) -> None:
        seen.append(ended)
        if len(seen) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compared(small_table(), output=tmp_path / "stopped", tell=interrupt)
    assert len(list((tmp_path / "stopped" / "runs").glob("*.json"))) == 4
    seen.clear()
    resumed = compared(
        small_table(), output=tmp_path / "stopped", resume=True, tell=seen.append
    ).record
    assert [ended.reused for ended in seen] == [True] * 4 + [False] * 6
    assert substance(resumed) == substance(straight)


def test_an_interrupted_training_goes_on_from_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = compared(small_table(), sharing={}, seeds=1).record
    epochs: list[int] = []

    def watched(job: Job) -> tuple[Finished, Scores]:
        def watch(event: EpochEnded) -> None:
            epochs.append(event.epoch)
            if len(epochs) == 2:
                os.kill(os.getpid(), signal.SIGINT)

        return fit_and_score(replace(job, watch=watch))

    monkeypatch.setattr(_work, "fit_and_score", watched)
    with pytest.raises(StoppedError, match="use `resume`"):
        compared(small_table(), sharing={}, seeds=1, output=tmp_path / "out")
    resumed = compared(small_table(), sharing={}, seeds=1, output=tmp_path / "out", resume=True)
    assert epochs == [1, 2, 3, 1, 2, 3]  # three of the shared network, three of the others
    assert substance(resumed.record) == substance(straight)
    assert [path.suffix for path in (tmp_path / "out" / "runs").iterdir()] == [".json"] * 4


def test_more_seeds_and_methods_use_the_finished_runs(tmp_path: Path) -> None:
    compared(small_table(), sharing={}, seeds=1, output=tmp_path)
    seen: list[Progress] = []
    found = compared(small_table(), seeds=2, output=tmp_path, resume=True, tell=seen.append)
    assert sum(ended.reused for ended in seen) == 4
    assert substance(found.record) == substance(compared(small_table()).record)


def test_a_method_that_fails_on_one_seed_is_reported_and_costs_no_other_result() -> None:
    error = InputError("it does not fit")
    found = compared(small_table(), sharing={"f": lambda seed: Failing(error if seed else None)})
    record = found.record
    assert [(each.method, each.seed, each.reason) for each in record.failures] == [
        ("f", 1, "it does not fit")
    ]
    seeds = {method.name: method.seeds for method in record.methods}
    assert seeds == {"f": [0], **{name: [0, 1] for name in ALWAYS}}
    assert record.recommendation is not None
    assert "f" not in record.recommendation.tied
    assert next(m for m in record.methods if m.name == "f").gains["hard"].seeds == 1


def test_a_fault_is_logged_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        record = compared(
            small_table(), seeds=1, sharing={"f": lambda _seed: Failing(ZeroDivisionError("oh"))}
        ).record
    assert record.failures[0].reason == "ZeroDivisionError: oh"
    assert "in build" in caplog.text


def test_a_failed_run_is_tried_again(tmp_path: Path) -> None:
    error = InputError("not this time")
    compared(small_table(), sharing={"f": lambda _seed: Failing(error)}, output=tmp_path)
    again = compared(
        small_table(), sharing={"f": lambda _seed: Failing(None)}, output=tmp_path, resume=True
    )
    assert again.record.failures == []


def test_permuted_test_labels_change_no_choice() -> None:
    rng = np.random.default_rng(0)
    frame = small_table(("binary", "regression"), rows=200)
    sides = rng.choice(["train", "validation", "test"], 200, p=[0.6, 0.2, 0.2])
    frame = frame.with_columns(pl.Series("side", sides))
    held_out = frame.filter(pl.col("side") == "test")
    targets = [name for name in frame.columns if name.startswith("g")]
    order = rng.permutation(len(held_out))
    permuted = pl.concat(
        [
            frame.filter(pl.col("side") != "test"),
            held_out.with_columns(held_out.select(targets)[order]),
        ]
    )
    rest = pl.concat([frame.filter(pl.col("side") != "test"), held_out])
    one = compared(rest, split="column:side", seeds=1, search=1).record
    other = compared(permuted, split="column:side", seeds=1, search=1).record
    assert one.recommendation == other.recommendation
    assert one.choices == other.choices
    chosen = [(run.method, run.settings, run.stages, run.trial) for run in one.runs]
    assert chosen == [(run.method, run.settings, run.stages, run.trial) for run in other.runs]
    assert [method.test for method in one.methods] != [method.test for method in other.methods]


def test_every_seed_draws_a_split_unless_a_column_holds_it() -> None:
    assert mixed().new_split
    frame = small_table().with_columns(
        side=pl.Series(["train", "train", "validation", "test"] * 40)
    )
    record = compared(frame, split="column:side", sharing={}).record
    assert not record.new_split
    assert "cover training alone" in record.intervals


def test_intervals_are_widened_by_how_much_the_seeds_training_rows_overlap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nadeau and Bengio: by held-out rows ÷ training rows, of the side that was scored."""
    told: list[float] = []

    def watched(differences: Values, overlap: float = 0.0) -> Gain:
        told.append(overlap)
        return paired_gain(differences, overlap)

    monkeypatch.setattr(_summary, "paired_gain", watched)
    record = compared(small_table(), sharing={}).record
    rows = record.data.rows
    assert rows["test"] > 0
    assert told == pytest.approx([rows["test"] / rows["train"]] * len(told))
    assert told


def test_what_a_method_found_no_evidence_for_is_told_once_with_its_name() -> None:
    frame = small_table()
    names = [name for name in frame.columns if name.startswith("g")]
    apart = [
        pl.when(pl.int_range(pl.len()) % len(names) == i).then(name).alias(name)
        for i, name in enumerate(names)
    ]
    record = compared(frame.with_columns(apart)).record
    (said,) = [each for each in record.warnings if "pairs of tasks" in each]
    assert said.startswith("adaptive: no row has labels of both tasks in")


def test_one_task_and_one_seed_are_enough() -> None:
    record = compared(small_table().drop("g1_t0"), seeds=1).record
    assert all(method.test is not None for method in record.methods)
    assert all(gain.low is None for method in record.methods for gain in method.gains.values())
    assert record.recommendation is not None
