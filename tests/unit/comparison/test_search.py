"""A search tries as many settings for every method, validation rows choose, and it can be stopped."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ramify._core import InputError
from ramify.comparison import OptunaSearch, Progress, Span, Tried, _work
from ramify.comparison._search import given, space_of, with_values
from ramify.networks import MLPSpec, ResNetSpec
from ramify.records import ComparisonRecord, Scores
from ramify.report import render_comparison
from ramify.runs import PER_TASK, Finished, Job, Options, fit_and_score
from ramify.training import Training

from ._small import compared, small_table, substance

SPACE = {"rate": Span(1e-4, 1e-1, is_log=True), "share": Span(0, 1)}
NETWORKS = {"adaptive", "hard", "single-task"}
N_TRIALS = 5  # the last two do not come at random


def tried(number: int, skill: float | None = None) -> list[Tried]:
    """Trials whose skill is highest at a rate of 0.01 and a share of 0.2."""
    found: list[Tried] = []
    for _ in range(number):
        values = OptunaSearch().proposal(SPACE, found)
        loss = abs(np.log10(values["rate"]) + 2) + abs(values["share"] - 0.2)
        found.append(Tried(values, -loss if skill is None else skill))
    return found


def small_search(
    output: Path,
    *,
    n_trials: int = N_TRIALS,
    resume: bool = False,
    learning_rate: float = 1e-2,
    tell: Callable[[Progress], None] | None = None,
) -> ComparisonRecord:
    return compared(
        small_table(rows=80),
        sharing={},
        seeds=1,
        training=Training(epochs=1, learning_rate=learning_rate),
        search=n_trials,
        output=output,
        resume=resume,
        tell=tell,
    ).record


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> ComparisonRecord:
    return small_search(tmp_path_factory.mktemp("straight"))


@pytest.fixture(scope="module")
def searched() -> ComparisonRecord:
    return compared(small_table(rows=80), seeds=1, search=2, epochs=2).record


def test_each_network_gets_the_same_number_of_trials(searched: ComparisonRecord) -> None:
    counts = {(c.method, c.seed): set(c.validation) for c in searched.choices}
    assert all(counts[key] == ({0, 1, 2} if key[0] in NETWORKS else {0}) for key in counts)
    assert (searched.settings["trials"], searched.failures) == (2, [])


def test_the_best_on_validation_rows_is_kept(searched: ComparisonRecord) -> None:
    for choice in searched.choices:
        known = {i: value for i, value in choice.validation.items() if value is not None}
        assert choice.trial == max(known, key=lambda i: (known[i], -i))
    kept = {(choice.method, choice.seed): choice.trial for choice in searched.choices}
    assert {(run.method, run.seed): run.trial for run in searched.runs} == kept


def test_the_record_and_the_page_say_what_was_kept_of_how_many(searched: ComparisonRecord) -> None:
    for choice in searched.choices:
        if choice.method in NETWORKS:
            assert set(choice.settings) == {"learning_rate", "weight_decay", "dropout"}
            assert choice.trial > 0 or choice.settings["learning_rate"] == 1e-2
    assert "optuna" in searched.versions
    page = render_comparison(searched)
    assert "2 that Optuna proposed" in page


def test_a_stopped_search_goes_on_as_if_it_had_not_been(
    straight: ComparisonRecord, tmp_path: Path
) -> None:
    seen: list[Progress] = []

    def interrupt(ended: Progress) -> None:
        seen.append(ended)
        if len(seen) == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small_search(tmp_path, tell=interrupt)
    resumed = small_search(tmp_path, resume=True, tell=seen.append)
    assert [each.reused for each in seen[11:]] == [True] * 11 + [False] * 3
    assert substance(resumed) == substance(straight)


def test_a_trial_that_fails_costs_no_other_and_is_tried_again(
    straight: ComparisonRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[float] = []

    def failing(job: Job) -> tuple[Finished, Scores]:
        if not job.options.trains_networks:
            return fit_and_score(job)
        calls.append(job.options.training.rate)
        if len(set(calls)) == 2:
            raise InputError("not this time")
        return fit_and_score(job)

    monkeypatch.setattr(_work, "fit_and_score", failing)
    found = small_search(tmp_path)
    assert [(each.method, each.trial) for each in found.failures] == [
        ("hard", 1),
        ("single-task", 1),
    ]
    assert all(len(each.validation) == N_TRIALS for each in found.choices if each.settings)
    monkeypatch.undo()
    assert substance(small_search(tmp_path, resume=True)) == substance(straight)


def test_more_trials_keep_those_that_are_finished(
    straight: ComparisonRecord, tmp_path: Path
) -> None:
    small_search(tmp_path, n_trials=N_TRIALS - 1)
    seen: list[Progress] = []
    more = small_search(tmp_path, resume=True, tell=seen.append)
    anew = [each.result.method for each in seen if not each.reused]
    assert sorted(anew) == sorted(["hard", "single-task", *(each.name for each in PER_TASK)])
    assert substance(more) == substance(straight)


def test_other_settings_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    small_search(tmp_path, n_trials=1)
    with pytest.raises(InputError, match=r"Different in 'hard-seed-0\.json': 'learning_rate'"):
        small_search(tmp_path, n_trials=1, resume=True, learning_rate=2e-2)


def test_without_optuna_it_says_what_to_install_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"pip install 'ramify\[search\]'"):
        compared(small_table(), search=1, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert compared(small_table(), sharing={}, seeds=1).record.choices == []


def test_a_proposal_follows_from_the_trials_and_the_seed_alone() -> None:
    np.random.seed(0)  # noqa: NPY002 - the state that must not matter
    first = OptunaSearch().proposal(SPACE, tried(6))
    np.random.seed(1)  # noqa: NPY002
    assert OptunaSearch().proposal(SPACE, tried(6)) == first
    assert OptunaSearch(1).proposal(SPACE, tried(6)) != first


def test_the_first_are_at_random_and_the_same_for_all_then_skills_matter() -> None:
    one, other = tried(3, skill=0.1), tried(3, skill=0.9)
    assert [each.values for each in one] == [each.values for each in other]
    good, bad = tried(12), [Tried(each.values, -(each.skill or 0)) for each in tried(12)]
    assert OptunaSearch().proposal(SPACE, good) != OptunaSearch().proposal(SPACE, bad)


def test_a_failed_trial_is_not_proposed_again() -> None:
    known = tried(3)
    failed = Tried(OptunaSearch().proposal(SPACE, known), None)
    assert OptunaSearch().proposal(SPACE, [*known, failed]) != failed.values


def test_proposals_stay_within_the_space() -> None:
    for each in tried(40):
        assert all(span.low <= each.values[name] <= span.high for name, span in SPACE.items())


def test_optuna_stays_silent_and_as_loud_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger("optuna").level
    tried(2)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("optuna").level in {before, logging.INFO}


def test_the_space_lies_around_what_is_given_and_leaves_alone_what_there_is_not() -> None:
    options = Options(("a",), backbone=MLPSpec((4,), 0.9, 0.1), training=Training(weight_decay=0))
    space = space_of(options)
    assert space == {"learning_rate": Span(4e-4, 1e-2, is_log=True), "dropout": Span(0, 0.7)}
    assert given(options, space) == {"learning_rate": 2e-3, "dropout": 0.7}
    changed = with_values(options, {"learning_rate": 2e-3, "dropout": 0.25})
    assert changed.backbone == MLPSpec((4,), 0.25, 0.1)
    assert (changed.training.learning_rate, changed.training.weight_decay) == (2e-3, 0)
    plain = Options(("a",), backbone=ResNetSpec())
    assert set(space_of(plain)) == {"learning_rate", "weight_decay"}
    assert with_values(plain, {"learning_rate": 2e-3}).backbone == ResNetSpec()
