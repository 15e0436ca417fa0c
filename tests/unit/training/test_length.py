"""A length that follows from the data: how long, when it stops, and what it keeps."""

import time
from pathlib import Path

import pytest
import torch
from tests.toy import BINARY, backbone, batches, held_out, tensors
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError, check_seconds
from ramify.data import TableBatches
from ramify.sharing import (
    FixedTree,
    FullyAdaptive,
    HardSharing,
    HookContext,
    SingleTask,
    Step,
    StepHook,
)
from ramify.tasks import SharingTree
from ramify.training import EpochEnded, Stable, Trainer, Training

SHORT = Training(steps=120, learning_rate=0.01)
TREE = SharingTree(BINARY.names, ((BINARY.names,), (("a", "b"), ("c", "d"))))


def against() -> TableBatches:
    """Validation rows on which learning makes scores worse."""
    x, y, mask = tensors(BINARY, 64, seed=9)
    return TableBatches(x, 1 - y, mask, 64, seed=1, shuffle=False)


@pytest.mark.parametrize(
    ("steps_per_epoch", "n_steps", "warm_up_epochs", "epochs_between_checks"),
    [(1, 3000, 400, 50), (7, 3003, 58, 8), (60, 3000, 7, 1), (1000, 16_000, 4, 1)],
)
def test_steps_where_rows_are_few_and_epochs_where_they_are_many(
    steps_per_epoch: int, n_steps: int, warm_up_epochs: int, epochs_between_checks: int
) -> None:
    found = Training().length(steps_per_epoch)
    assert found == (n_steps, warm_up_epochs, epochs_between_checks, True)


def test_efforts_are_in_order_and_steps_may_be_given() -> None:
    lengths = [Training(effort=e).length(5).n_steps for e in ("quick", "standard", "best")]
    assert lengths == sorted(set(lengths))
    assert Training(steps=33).length(5).n_steps == 33


def test_what_is_given_in_epochs_or_iterations_is_as_long_as_that() -> None:
    assert Training(epochs=3).length(7) == (21, 4, 1, False)
    assert Training(iterations=10).length(7) == (10, 4, 1, False)
    for given in (Training(epochs=3), Training(iterations=10)):
        assert given.longest_wait(1000, 7) == float("inf")
        assert (given.rate, given.decay) == (1e-3, 2.0)


def test_what_took_long_to_become_better_may_take_long_to_do_so_again() -> None:
    assert [Training().longest_wait(best, 50) for best in (0, 500, 800)] == [250, 250, 400]
    assert Training(patience=3).longest_wait(800, 50) == 150


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"effort": "much"}, "`effort` must be among"),
        ({"steps": 5, "epochs": 5}, "`steps` must be given without `epochs` and `iterations`"),
        ({"steps": 0}, "`steps` must be finite and above 0"),
    ],
)
def test_lengths_that_are_none_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Training(**given)  # type: ignore[arg-type]  # on purpose


def test_a_stable_rate_needs_no_end() -> None:
    rates = [[Stable(4).rate_at(step, n) for step in range(9)] for n in (9, 900)]
    assert rates[0] == rates[1] == [0.25, 0.5, 0.75, *[1.0] * 6]
    with pytest.raises(InputError, match="`rise` must be 0 or more"):
        Stable(-1)


class _Weights(StepHook):
    """All weights after each step."""

    def start(self, context: HookContext) -> None:
        self._network, self.seen = context.network, list[list[Tensor]]()

    def after_step(self, step: Step) -> None:
        self.seen.append([p.detach().double().clone() for p in self._network.parameters()])


def test_the_weights_that_come_out_are_the_mean_of_the_last_ones() -> None:
    hook = _Weights()
    fitted = Trainer(SHORT, hooks=[hook]).fit(HardSharing(), backbone(), BINARY, batches(BINARY))
    assert len(hook.seen) == 120
    means = hook.seen[49]
    for step in range(52, 121, 4):
        weights, share = hook.seen[step - 1], 1 - (1 - 1 / (1 + step / 10)) ** 4
        means = [(1 - share) * mean + share * w for mean, w in zip(means, weights, strict=True)]
    for found, expected in zip(fitted.network.parameters(), means, strict=True):
        assert_close(found.double(), expected, rtol=1e-4, atol=1e-6)


def test_it_stops_when_scores_rise_no_more_and_tells_what_is_expected() -> None:
    seen: list[EpochEnded] = []
    trainer = Trainer(Training(effort="quick"), watch=seen.append)
    fitted = trainer.fit(HardSharing(), backbone(), BINARY, batches(BINARY), against())
    # 6 steps an epoch: scored after every 9 epochs, 54 steps; the first score is the best.
    assert [event.epoch for event in seen] == [9, 18, 27, 36]
    assert [event.ends_at for event in seen] == [36] * 4
    assert [event.is_last for event in seen] == [False] * 3 + [True]
    assert seen[0].n_epochs == 84
    assert not fitted.out_of_time


def test_without_validation_rows_it_goes_on_to_the_end() -> None:
    fitted = Trainer(SHORT).fit(HardSharing(), backbone(), BINARY, batches(BINARY))
    assert fitted.curve[-1].epoch == 20


@pytest.mark.parametrize("growing", [None, 30])
def test_what_follows_a_warm_up_has_to_beat_its_best_network(growing: int | None) -> None:
    """The warm-up itself is no shorter where scores fall."""
    way = FixedTree(TREE, growing)
    settings = Training(steps=720)
    fitted = Trainer(settings).fit(way, backbone(), BINARY, batches(BINARY), against())
    warm_up = [point for point in fitted.curve if point.phase == "growing"]
    assert warm_up[-1].epoch == 30  # a quarter of 720 steps
    scores = [point.validation_score or 0.0 for point in warm_up]
    assert scores[0] == max(scores) > scores[-1]
    kept = Trainer().predict(fitted.network, against()).skills(BINARY).mean()
    assert kept >= max(scores)
    assert fitted.tree == TREE


def test_a_warm_up_leaves_steps() -> None:
    with pytest.raises(InputError, match=r"a warm-up must leave steps .* 120.* takes 600; shorten"):
        Trainer(SHORT).fit(FixedTree(TREE, 100), backbone(), BINARY, batches(BINARY))


@pytest.mark.parametrize("sharing", [HardSharing(), SingleTask(), FullyAdaptive()])
def test_time_that_runs_out_ends_each_part_of_a_training(
    sharing: HardSharing | SingleTask | FullyAdaptive, tmp_path: Path
) -> None:
    started = time.monotonic()
    trainer = Trainer(Training(epochs=100_000), seconds=0.5, checkpoint=tmp_path)
    fitted = trainer.fit(sharing, backbone(), BINARY, batches(BINARY), held_out(BINARY))
    assert time.monotonic() - started < 5
    if isinstance(sharing, FullyAdaptive):
        assert {"growing", "candidate 1 of"} <= {point.phase[:14] for point in fitted.curve}
    assert fitted.curve[-1].epoch < 100_000
    assert fitted.out_of_time
    again = trainer.fit(sharing, backbone(), BINARY, batches(BINARY), held_out(BINARY))
    assert again.out_of_time


def test_a_moment_is_enough_for_one_step() -> None:
    trainer = Trainer(seconds=1e-9)
    fitted = trainer.fit(FullyAdaptive(), backbone(), BINARY, batches(BINARY), held_out(BINARY))
    assert all(tensor.isfinite().all() for tensor in fitted.network.parameters())


def test_times_are_read_as_people_write_them() -> None:
    given = (90, "90", "90s", "1.5m", "0.025 h")
    assert [check_seconds("time_limit", each) for each in given] == [90.0] * 5
    for wrong in ("", "0", "-1m", "5 days", "nan", 0, -1, float("nan"), True, None):
        with pytest.raises(InputError, match="`time_limit` must be"):
            check_seconds("time_limit", wrong)


def test_the_default_learns_what_few_steps_do_not() -> None:
    rows = batches(BINARY, 48, labelled=1.0, size=48)
    short, whole = (
        Trainer(settings).fit(HardSharing(), backbone(), BINARY, rows, held_out(BINARY)).network
        for settings in (Training(epochs=16), Training())
    )
    before, after = (
        Trainer().predict(each, held_out(BINARY)).skills(BINARY).mean() for each in (short, whole)
    )
    assert after > before + 0.1


def test_the_mean_weights_of_a_network_with_running_statistics_are_sound() -> None:
    norm = torch.nn.Sequential(
        torch.nn.Linear(6, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU(), torch.nn.Linear(8, 8)
    )
    fitted = Trainer(SHORT).fit(HardSharing(), norm, BINARY, batches(BINARY), held_out(BINARY))
    score = fitted.curve[-1].validation_score
    assert score is not None
    assert score > 0.5
