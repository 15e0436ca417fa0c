"""A search tries the same settings for every method, and validation rows choose."""

import numpy as np
import pytest

from ramify.comparison import RandomSearch, TrialSettings
from ramify.networks import MLPSpec, ResNetSpec
from ramify.records import ComparisonRecord
from ramify.runs import Options

from ._small import compared, small_table


@pytest.fixture(scope="module")
def searched() -> ComparisonRecord:
    return compared(small_table(), search=2).record


def test_each_network_gets_the_same_number_of_the_same_trials(searched: ComparisonRecord) -> None:
    counts = {(c.method, c.seed): set(c.validation) for c in searched.choices}
    networks = {key for key in counts if key[0] in {"adaptive", "hard", "single-task"}}
    assert all(counts[key] == {0, 1, 2} for key in networks)
    assert all(counts[key] == {0} for key in set(counts) - networks)


def test_the_best_on_validation_rows_is_kept(searched: ComparisonRecord) -> None:
    for choice in searched.choices:
        known = {i: value for i, value in choice.validation.items() if value is not None}
        assert choice.trial == max(known, key=lambda i: (known[i], -i))
    kept = {(choice.method, choice.seed): choice.trial for choice in searched.choices}
    assert {(run.method, run.seed): run.trial for run in searched.runs} == kept


def test_the_settings_that_a_trial_changes_are_in_the_record(searched: ComparisonRecord) -> None:
    by_trial = {c.trial: c.settings for c in searched.choices if c.method == "hard"}
    assert all(
        set(found) == {"learning_rate", "weight_decay", "dropout"} for found in by_trial.values()
    )
    if 0 in by_trial:
        assert by_trial[0]["learning_rate"] == 1e-2


def test_more_trials_keep_the_first_ones() -> None:
    assert RandomSearch().proposals(9)[:4] == RandomSearch().proposals(4)
    assert RandomSearch(1).proposals(4) != RandomSearch().proposals(4)


def test_trials_stay_within_their_stated_range() -> None:
    trials = RandomSearch().proposals(300)
    rates = np.array([trial.rate_factor for trial in trials])
    assert ((rates >= 1 / 5) & (rates <= 5)).all()
    assert 0.3 < (rates < 1).mean() < 0.7
    assert all(0.01 <= trial.decay_factor <= 5 and 0 <= trial.dropout <= 0.7 for trial in trials)


def test_a_trial_leaves_alone_what_a_backbone_does_not_have() -> None:
    trial = TrialSettings(rate_factor=2.0, decay_factor=0.5, dropout=0.25)
    perceptron = trial.applied(Options(("a",), backbone=MLPSpec((4,), 0.6, 0.1)))
    assert perceptron.backbone == MLPSpec((4,), 0.25, 0.1)
    assert (perceptron.training.learning_rate, perceptron.training.weight_decay) == (2e-3, 1.0)
    assert trial.applied(Options(("a",), backbone=ResNetSpec())).backbone == ResNetSpec()
