import os
import signal
import threading
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from tests.toy import BINARY, MIXED, N_INPUTS, backbone, batches, held_out, tensors
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

from ramify._core import InputError, ModelFileError, StoppedError
from ramify.data import TableBatches
from ramify.networks import BranchedNetwork, RowRouter
from ramify.sharing import FixedTree, FullyAdaptive, HardSharing, SingleTask
from ramify.tasks import Binary, SharingTree, Task, TaskSet
from ramify.training import EpochEnded, Trainer, Training
from ramify.training._best import choose_network
from ramify.training._evaluation import Predictions

QUICK = Training(epochs=2, learning_rate=0.01, weight_decay=0.1)


@pytest.mark.parametrize("sharing", [HardSharing(), SingleTask()], ids=["shared", "separate"])
def test_overfits_a_tiny_set(sharing: HardSharing | SingleTask) -> None:
    rows = batches(MIXED, 12, labelled=0.8, size=12)
    settings = Training(epochs=150, learning_rate=0.03, weight_decay=0.0)
    fitted = Trainer(settings).fit(sharing, backbone(0.0), MIXED, rows)
    assert fitted.curve[-1].loss < 0.02
    skills = Trainer().predict(fitted.network, rows).skills(MIXED)
    assert (skills > 0.95).all()


def test_a_users_loader_with_nan_for_a_missing_label_is_the_table() -> None:
    x, y, mask = tensors(BINARY, 48)
    table = TableBatches(x, y, mask, 16, 0, shuffle=False)
    nans = DataLoader(TensorDataset(x, torch.where(mask, y, float("nan"))), 16)
    masks = DataLoader(TensorDataset(x, torch.where(mask, y, 7.0), mask), 16)
    # No dropout: a DataLoader draws a random number of its own.
    plain = backbone(0.0)
    fitted = [
        Trainer(QUICK).fit(HardSharing(), plain, BINARY, rows) for rows in (table, nans, masks)
    ]
    for other in fitted[1:]:
        assert other.curve == fitted[0].curve
        for one, two in zip(
            fitted[0].network.parameters(), other.network.parameters(), strict=True
        ):
            assert torch.equal(one, two)


def test_a_shuffled_loader_resumes_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, mask = tensors(BINARY, 48)
    data = TensorDataset(x, torch.where(mask, y, float("nan")))

    def fit(folder: Path | None, *, stop_in: int | None = None) -> dict[str, torch.Tensor]:
        seen = 0

        def watch(event: EpochEnded) -> None:
            nonlocal seen
            seen += 1
            if seen == stop_in:
                os.kill(os.getpid(), signal.SIGTERM)

        trainer = Trainer(Training(epochs=4, learning_rate=0.01), checkpoint=folder, watch=watch)
        loader = DataLoader(data, 16, shuffle=True)
        return trainer.fit(HardSharing(), backbone(), BINARY, loader).network.state_dict()

    whole = fit(None)
    with pytest.raises(StoppedError):
        fit(tmp_path, stop_in=2)
    resumed = fit(tmp_path)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_the_state_and_stops(number: signal.Signals, tmp_path: Path) -> None:
    before = signal.getsignal(number)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), number))
    timer.start()
    with pytest.raises(StoppedError, match="its state was saved; use `resume`") as error:
        Trainer(Training(epochs=100_000), checkpoint=tmp_path).fit(
            HardSharing(), backbone(), BINARY, batches(BINARY)
        )
    assert error.value.signal_number == number
    assert [path.name for path in tmp_path.iterdir()] == ["segment-000.safetensors"]
    assert signal.getsignal(number) == before


def test_a_signal_without_a_folder_says_that_nothing_was_saved() -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with pytest.raises(StoppedError, match="nothing was saved"):
        Trainer(Training(epochs=100_000)).fit(HardSharing(), backbone(), BINARY, batches(BINARY))


def test_trains_in_another_thread_too() -> None:
    done: list[int] = []

    def train() -> None:
        fitted = Trainer(QUICK).fit(HardSharing(), backbone(), BINARY, batches(BINARY))
        done.append(len(fitted.curve))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert done == [2]


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "segment-000.safetensors").write_bytes(b"not a state")
    with pytest.raises(ModelFileError, match=r"is damaged .*; start again with `overwrite`"):
        Trainer(QUICK, checkpoint=tmp_path).fit(HardSharing(), backbone(), BINARY, batches(BINARY))


def test_a_loss_that_is_no_number_is_one_clear_error() -> None:
    x, y, mask = tensors(BINARY, 48)
    x[3] = float("nan")
    rows = TableBatches(x, y, mask, 16, 0)
    with pytest.raises(InputError, match="the training loss became nan in epoch 1 of 'training'"):
        Trainer(QUICK).fit(HardSharing(), backbone(), BINARY, rows)


def test_outputs_of_bf16_training_are_finite_and_useful() -> None:
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    settings = Training(epochs=15, learning_rate=0.03, weight_decay=0.0)
    fitted = Trainer(settings, fabric=fabric).fit(
        FullyAdaptive(growing_epochs=1, n_candidates=2),
        backbone(0.0),
        BINARY,
        batches(BINARY),
        held_out(BINARY),
    )
    assert all(p.dtype == torch.float32 for p in fitted.network.parameters())
    assert Trainer().predict(fitted.network, held_out(BINARY)).skills(BINARY).mean() > 0.8


def test_the_curve_and_the_watcher_see_every_epoch() -> None:
    seen: list[EpochEnded] = []
    fitted = Trainer(QUICK, watch=seen.append).fit(
        FullyAdaptive(growing_epochs=2, n_candidates=2),
        backbone(),
        BINARY,
        batches(BINARY),
        held_out(BINARY),
    )
    assert [(e.phase, e.epoch, e.loss) for e in seen] == [
        (p.phase, p.epoch, p.loss) for p in fitted.curve
    ]
    assert [(p.phase, p.epoch) for p in fitted.curve][:2] == [("growing", 1), ("growing", 2)]
    assert all(event.rows_per_second > 0 for event in seen)


def test_without_validation_the_last_epoch_is_kept() -> None:
    fitted = Trainer(QUICK).fit(HardSharing(), backbone(), BINARY, batches(BINARY))
    assert [point.validation_score for point in fitted.curve] == [None, None]
    x = torch.zeros(2, N_INPUTS)
    again = Trainer(QUICK).fit(HardSharing(), backbone(), BINARY, batches(BINARY))
    assert torch.equal(fitted.network(x), again.network(x))


def test_a_training_in_steps_ends_within_an_epoch() -> None:
    seen: list[EpochEnded] = []
    for given in ({"iterations": 12}, {"epochs": 2}, {"iterations": 8}):  # an epoch has 6 steps
        settings = Training(**given, learning_rate=0.01)  # type: ignore[arg-type]
        trainer = Trainer(settings, watch=seen.append)
        fitted = trainer.fit(HardSharing(), backbone(0.0), BINARY, batches(BINARY))
        assert [point.epoch for point in fitted.curve] == [1, 2]
    assert [event.n_epochs for event in seen] == [2] * 6
    assert [e.loss for e in seen[:2]] == [e.loss for e in seen[2:4]]
    assert all(0.1 < event.loss < 1 for event in seen)  # a mean over the steps that there were


def test_the_last_weights_are_kept_on_request() -> None:
    """Learning makes the score of these rows worse, so that the first epoch is the best."""
    x, y, mask = tensors(BINARY, 64, seed=9)
    against = TableBatches(x, 1 - y, mask, 64, seed=1, shuffle=False)
    found = []
    for keep_best in (True, False):
        settings = Training(epochs=4, learning_rate=0.01, keep_best=keep_best)
        trainer = Trainer(settings)
        fitted = trainer.fit(HardSharing(), backbone(0.0), BINARY, batches(BINARY), against)
        found.append(float(trainer.predict(fitted.network, against).skills(BINARY).mean()))
        assert fitted.curve[-1].validation_score == fitted.curve[-1].validation_score
    assert found[0] > found[1]
    assert found[1] == pytest.approx(fitted.curve[-1].validation_score)


def test_losses_added_up_over_tasks_are_as_many_times_larger() -> None:
    rows = batches(BINARY, labelled=1.0)
    losses = []
    for sum_over_tasks in (False, True):
        settings = Training(iterations=1, learning_rate=1e-9, sum_over_tasks=sum_over_tasks)
        fitted = Trainer(settings).fit(HardSharing(), backbone(0.0), BINARY, rows)
        losses.append(fitted.curve[0].loss)
    assert losses[1] == pytest.approx(len(BINARY) * losses[0])


def test_patience_stops_when_nothing_gets_better() -> None:
    settings = Training(epochs=60, learning_rate=1e-12, weight_decay=0.0, patience=3)
    fitted = Trainer(settings).fit(
        HardSharing(), backbone(), BINARY, batches(BINARY), held_out(BINARY)
    )
    assert len(fitted.curve) == 4


def test_predictions_are_in_the_rows_order_and_the_mode_is_put_back() -> None:
    fitted = Trainer(QUICK).fit(HardSharing(), backbone(), MIXED, batches(MIXED))
    fitted.network.train()
    found = Trainer().predict(fitted.network, held_out(MIXED))
    assert fitted.network.training
    assert found.values.shape == (64, MIXED.n_columns)
    x, _, mask = tensors(MIXED, 64, seed=9)
    assert np.array_equal(found.label_mask, mask.numpy())
    with torch.no_grad():
        outputs = fitted.network.eval()(x)
    assert_close(torch.from_numpy(found.values)[:, 0], torch.sigmoid(outputs[:, 0]).double())
    assert_close(torch.from_numpy(found.values)[:, 1], outputs[:, 1].double() * 2 + 5)


def test_balance_weighs_rare_positives_up() -> None:
    tasks = TaskSet([Task("rare", Binary(rate=0.1))])
    x = torch.zeros(40, N_INPUTS)
    y = (torch.arange(40) % 10 == 0).float()[:, None]
    rows = TableBatches(x, y, torch.ones(40, 1, dtype=torch.bool), 40, 0)
    base = [nn.Linear(N_INPUTS, 2)]
    settings = {"epochs": 300, "learning_rate": 0.05, "weight_decay": 0.0}
    found = []
    for balance in (False, True):
        training = Training(**settings, balance=balance)  # type: ignore[arg-type]  # a mixed dict
        fitted = Trainer(training).fit(HardSharing(), base, tasks, rows)
        found.append(torch.sigmoid(fitted.network(x[:1])).item())
    assert abs(found[0] - 0.1) < 0.02
    assert abs(found[1] - 0.5) < 0.02


def two_groups(n: int = 512) -> TableBatches:
    return batches(BINARY, n, labelled=0.9, size=64)


def test_with_alpha_one_junction_goes_down_stage_by_stage() -> None:
    seen: list[EpochEnded] = []
    sharing = FullyAdaptive(alpha=1e6, interval=3, affinity="margins")
    deep = nn.Sequential(
        *(nn.Linear(N_INPUTS, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())
    )
    fitted = Trainer(QUICK, watch=seen.append).fit(
        sharing, deep, BINARY, two_groups(), held_out(BINARY)
    )
    widths: list[tuple[int, ...]] = []
    for event in seen:
        if event.tree.widths not in widths:
            widths.append(event.tree.widths)
    assert widths == [(1, 1, 1), (1, 1, 4), (1, 4, 4), (4, 4, 4)]
    assert fitted.tree.widths == (4, 4, 4)
    assert [e.epoch for e in seen][-2:] == [1, 2]  # the final structure gets a full training


def test_with_alpha_0_nothing_is_ever_divided() -> None:
    fitted = Trainer(QUICK).fit(
        FullyAdaptive(alpha=0.0, interval=2), backbone(), BINARY, two_groups()
    )
    assert fitted.tree.widths == (1, 1)
    assert len(fitted.curve) == 2


@pytest.mark.parametrize("retry", [True, False])
def test_a_stage_that_stayed_whole_is_tried_again_only_on_request(
    retry: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = FullyAdaptive._next_division

    def counted(self: FullyAdaptive, *given: object) -> object:
        asked.append(1)
        return original(self, *given)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(FullyAdaptive, "_next_division", counted)
    sharing = FullyAdaptive(alpha=0.0, interval=4, retry_after_no_split=retry)
    Trainer(QUICK).fit(sharing, backbone(), BINARY, two_groups())  # 2 epochs of 8 steps
    assert len(asked) == (4 if retry else 1)


@pytest.mark.parametrize("budget", [196, 250, 300, 400, 10_000])
def test_a_budget_is_kept(budget: int) -> None:
    sharing = FullyAdaptive(growing_epochs=1, max_parameters=budget)
    fitted = Trainer(QUICK).fit(sharing, backbone(), BINARY, two_groups(), held_out(BINARY))
    assert sum(p.numel() for p in fitted.network.parameters()) <= budget
    assert not fitted.candidates


def test_a_budget_below_the_smallest_tree_names_it() -> None:
    sharing = FullyAdaptive(growing_epochs=1, max_parameters=10)
    with pytest.raises(InputError, match=r"the budget must be at least .*Got 10; raise it"):
        Trainer(QUICK).fit(sharing, backbone(), BINARY, two_groups(), held_out(BINARY))


def test_several_trees_are_trained_and_validation_decides() -> None:
    fitted = Trainer(QUICK).fit(
        FullyAdaptive(growing_epochs=1, n_candidates=3),
        backbone(),
        BINARY,
        two_groups(),
        held_out(BINARY),
    )
    assert 1 < len(fitted.candidates) <= 3
    assert fitted.candidates[0].tree == SharingTree.shared(BINARY.names, 2)
    (chosen,) = [each for each in fitted.candidates if each.chosen]
    assert chosen.tree == fitted.tree
    assert chosen.parameters == sum(p.numel() for p in fitted.network.parameters())
    phases = {point.phase for point in fitted.curve}
    assert phases == {"growing"} | {
        f"candidate {i} of {len(fitted.candidates)}" for i in range(1, len(fitted.candidates) + 1)
    }


def test_a_grown_tree_starts_from_the_shared_network() -> None:
    tree = SharingTree(BINARY.names, ((BINARY.names,), (("a", "b"), ("c", "d"))))
    fitted = Trainer(QUICK).fit(
        FixedTree(tree, growing_epochs_first=2), backbone(), BINARY, two_groups()
    )
    assert fitted.tree == tree
    assert [p.widths for p in fitted.curve] == [[1, 1], [1, 1], [1, 2], [1, 2]]


ONE = TaskSet([Task("a", Binary())])


def predicted(values: np.ndarray, targets: np.ndarray) -> Predictions:
    return Predictions(values, targets, np.ones(targets.shape, dtype=bool))


def test_the_smallest_is_kept_if_it_is_within_one_standard_error() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((400, 1)) < 0.5).astype(np.float64)
    good = targets + rng.normal(scale=0.8, size=targets.shape)
    as_good = good + 0.1 * rng.normal(size=targets.shape)
    pair = [predicted(good, targets), predicted(as_good, targets)]
    assert choose_network(pair, [100, 50], [0.9, 0.1], ONE) == 1
    assert choose_network(pair, [50, 100], [0.1, 0.9], ONE) == 0


def test_a_large_network_is_kept_if_it_is_clearly_better() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((400, 1)) < 0.5).astype(np.float64)
    bad = rng.normal(size=targets.shape)
    pair = [predicted(bad, targets), predicted(targets, targets)]
    assert choose_network(pair, [10, 1000], [0.0, 0.0], ONE) == 1


def test_of_networks_as_good_as_the_best_the_clearest_is_kept_then_the_smallest() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((400, 1)) < 0.5).astype(np.float64)
    bad, good = rng.normal(size=targets.shape), targets + 0.1 * rng.normal(size=targets.shape)
    every = [predicted(values, targets) for values in (bad, good, good, good)]
    sizes = [10, 30, 20, 40]
    assert choose_network(every, sizes, [0.9, 0.1, 0.2, 0.5], ONE) == 3
    assert choose_network(every, sizes, [0.9, 0.5, 0.5, 0.5], ONE) == 2


def test_without_any_validation_label_some_network_is_kept() -> None:
    nothing = Predictions(np.zeros((4, 1)), np.zeros((4, 1)), np.zeros((4, 1), dtype=bool))
    assert choose_network([nothing] * 2, [5, 9], [0.0, 0.0], ONE) in (0, 1)


def test_training_on_rows_of_one_task_each_is_training_on_all_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y, _ = tensors(MIXED, 60)
    mask = nn.functional.one_hot(torch.arange(60) % len(MIXED), len(MIXED)).bool()
    rows = TableBatches(x, torch.where(mask, y, 0.0), mask, 20, 0)

    def fitted() -> tuple[list[torch.Tensor], list[float | None], Predictions]:
        trainer = Trainer(QUICK)
        found = trainer.fit(SingleTask(), backbone(0.0), MIXED, rows, rows)
        predictions = trainer.predict(found.network, rows, only_labelled=True)
        return (
            list(found.network.parameters()),
            [e.validation_score for e in found.curve],
            predictions,
        )

    with patch.object(RowRouter, "rows", autospec=True, side_effect=RowRouter.rows) as asked:
        ours = fitted()
    assert asked.call_count == 2 * (3 + 3) + 3  # two epochs of steps and validation; the end
    monkeypatch.setattr(BranchedNetwork, "own_rows", lambda *_: None)
    theirs = fitted()
    assert_close(ours[:2], theirs[:2])
    assert_close(ours[2].scores(MIXED), theirs[2].scores(MIXED))
    at_labels = ours[2].values[:, 0][ours[2].label_mask[:, 0]]
    assert_close(at_labels, theirs[2].values[:, 0][theirs[2].label_mask[:, 0]])
