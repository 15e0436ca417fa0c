"""Selective sharing: who comes to share, when, and what stays."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.toy import BINARY, MIXED, N_INPUTS, backbone, batches, held_out, tensors
from torch import Tensor, nn
from torch.testing import assert_close

from ramify._core import InputError
from ramify.data import TableBatches
from ramify.grouping import Shuffled, Similarity, Variance, apart, together
from ramify.networks import Backbone, BranchedNetwork, n_parameters
from ramify.sharing import Moment, Proposal, SelectiveSharing, Sharing, SingleTask
from ramify.sharing.selective._selective import keepers_of, regrouped_tasks
from ramify.tasks import Binary, SharingTree, Task, TaskSet
from ramify.training import SGD, Fitted, Trainer, Training
from ramify.training._optimisers import carried
from ramify.weighting import Uncertainty, UPGrad, Weighting

Rows = tuple[TaskSet, Tensor, Tensor]
SETTINGS = Training(epochs=4, learning_rate=0.01, weight_decay=0.1)


def clusters(n_clusters: int, per_cluster: int, *, flips: bool = False, seed: int = 0) -> Rows:
    """Rows of tasks around so many directions, each task with some of its own."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.standard_normal((N_INPUTS, N_INPUTS)))[0][:, :n_clusters]
    weights = directions.repeat(per_cluster, axis=1)
    weights += 0.15 * rng.standard_normal(weights.shape)
    if flips:
        weights *= rng.choice([-1.0, 1.0], weights.shape[1])
    x = rng.standard_normal((480, N_INPUTS))
    y = x @ weights + 0.1 * rng.standard_normal((480, weights.shape[1])) > 0
    tasks = TaskSet([Task(f"t{i:02}", Binary()) for i in range(weights.shape[1])])
    return tasks, torch.from_numpy(x).float(), torch.from_numpy(y).float()


def loader(x: Tensor, y: Tensor, mask: Tensor | None = None) -> TableBatches:
    return TableBatches(x, y, torch.ones_like(y).bool() if mask is None else mask, 16, seed=1)


def plain() -> nn.Sequential:
    with torch.random.fork_rng([]):
        torch.manual_seed(3)
        return nn.Sequential(nn.Linear(N_INPUTS, 24), nn.ReLU())


def fit(sharing: Sharing, rows: Rows, settings: Training = SETTINGS, seed: int = 0) -> Fitted:
    tasks, x, y = rows
    return Trainer(settings, seed=seed).fit(sharing, plain(), tasks, loader(x, y), loader(x, y))


def groups_of(fitted: Fitted) -> list[list[str]]:
    return [list(group) for group in fitted.tree.stages[-1]]


@pytest.mark.parametrize("flips", [False, True])
def test_planted_clusters_are_found_whatever_the_signs_of_targets(flips: bool) -> None:
    rows = clusters(3, 3, flips=flips)
    names = rows[0].names
    for condition in (Similarity(0.6), Similarity(n_groups=3)):
        fitted = fit(SelectiveSharing(condition, estimator_width=16), rows)
        assert groups_of(fitted) == [list(names[i : i + 3]) for i in (0, 3, 6)]


def test_nonnegative_factors_find_planted_clusters_by_sizes_alone() -> None:
    rows = clusters(3, 3, flips=True)
    names = rows[0].names
    sharing = SelectiveSharing(Similarity(n_groups=3), estimator_width=16, nonnegative=3)
    assert groups_of(fit(sharing, rows)) == [list(names[i : i + 3]) for i in (0, 3, 6)]
    look = sharing.regroupings[0]
    assert len(look.energy) == 3
    assert min(min(row) for row in look.loadings) >= 0


def test_parameters_after_are_trunk_estimators_and_outputs() -> None:
    sharing = SelectiveSharing(Similarity(n_groups=3), estimator_width=16)
    fitted = fit(sharing, clusters(3, 3))
    trunk, estimator, outputs = 6 * 24 + 24, 24 * 16 + 16, 9 * 17
    first, last = sharing.regroupings[0], sharing.regroupings[-1]
    assert first.parameters_before == trunk + 9 * estimator + outputs
    assert last.parameters == n_parameters(fitted.network) == trunk + 3 * estimator + outputs


def test_identical_tasks_all_share_after_the_first_look() -> None:
    tasks, x, y = clusters(1, 4)
    sharing = SelectiveSharing(Similarity(0.0), estimator_width=8)
    fit(sharing, (tasks, x, y[:, :1].expand(-1, 4)))
    assert sharing.regroupings[0].groups == [list(tasks.names)]
    assert len(sharing.regroupings) == 1  # there is nothing left to join


def test_unrelated_tasks_stay_apart() -> None:
    sharing = SelectiveSharing(estimator_width=16)
    fitted = fit(sharing, clusters(5, 1))
    assert fitted.tree.widths == (1, 5)
    assert len(sharing.regroupings) == 2  # two looks in a row that change nothing


def test_diverse_groups_hold_no_two_of_a_cluster() -> None:
    fitted = fit(SelectiveSharing(Variance(3), estimator_width=16), clusters(3, 3))
    assert all(len({int(name[1:]) // 3 for name in group}) == 3 for group in groups_of(fitted))


class NeverAsked(Sharing):
    """The network that selective sharing starts with, trained as a plain one."""

    name = "plain"

    def settings(self) -> dict[str, Any]:
        return {}

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> BranchedNetwork:
        return SelectiveSharing(estimator_width=4).build(backbone, tasks, n_features)


@pytest.mark.parametrize("tasks", [BINARY, MIXED], ids=["binary", "mixed"])
@pytest.mark.parametrize("optimiser", [None, SGD()], ids=["adam", "sgd"])
def test_who_never_shares_has_the_plain_network_of_an_estimator_per_task_bit_for_bit(
    tasks: TaskSet, optimiser: SGD | None
) -> None:
    settings = SETTINGS if optimiser is None else Training(epochs=3, optimiser=optimiser)
    ways = (SelectiveSharing(Similarity(0.0), estimator_width=4, interval=4), NeverAsked())
    one, two = (
        Trainer(settings).fit(way, backbone(), tasks, batches(tasks), held_out(tasks))
        for way in ways
    )
    assert one.tree == two.tree
    assert one.curve == two.curve
    assert_same_state(one.network, two.network)


def test_one_task_is_the_single_task_network_with_the_same_stages_bit_for_bit() -> None:
    class WithEstimator(Sharing):
        name = "single"

        def settings(self) -> dict[str, Any]:
            return {}

        def build(
            self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
        ) -> BranchedNetwork:
            estimator = nn.Sequential(nn.Flatten(), nn.Linear(8, 4), nn.ReLU())
            return SingleTask().build([*backbone, estimator], tasks, 4)

    tasks = TaskSet([Task("only", Binary())])
    one, two = (
        Trainer(SETTINGS).fit(way, backbone(), tasks, batches(tasks), held_out(tasks))
        for way in (SelectiveSharing(estimator_width=4), WithEstimator())
    )
    assert one.curve == two.curve
    assert_same_state(one.network, two.network)


def assert_same_state(one: nn.Module, two: nn.Module) -> None:
    mine, theirs = one.state_dict(), two.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_task_without_labels_stays_where_it_is() -> None:
    tasks, x, y = clusters(2, 3)
    mask = torch.ones_like(y).bool()
    mask[:, 1] = False
    sharing = SelectiveSharing(Similarity(n_groups=2), estimator_width=16)
    Trainer(SETTINGS).fit(sharing, plain(), tasks, loader(x, y * mask, mask), loader(x, y))
    last = sharing.regroupings[-1]
    assert last.groups == [["t00", "t02"], ["t01"], ["t03", "t04", "t05"]]
    assert set(last.distances[1]) == {None}
    assert all(row[1] is None for row in last.distances)


@pytest.mark.parametrize("allow_split", [False, True])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_task_with_labels_of_one_class_stays_where_it_is(value: float, allow_split: bool) -> None:
    tasks, x, y = clusters(1, 3)
    told = TaskSet([replace(tasks[0], varies=False), *tasks[1:]])
    y[:, 0] = value
    for known, groups in ((tasks, [["t00", "t01", "t02"]]), (told, [["t00"], ["t01", "t02"]])):
        sharing = SelectiveSharing(Similarity(2.0), estimator_width=8, allow_split=allow_split)
        fitted = fit(sharing, (known, x, y))
        assert groups_of(fitted) == groups
    assert set(sharing.regroupings[-1].distances[0]) == {None}


def test_where_such_a_task_is_put_in_a_group_the_others_speak_for_it() -> None:
    tasks, x, y = clusters(1, 3)
    told = TaskSet([replace(tasks[0], varies=False), *tasks[1:]])
    sharing = SelectiveSharing(together, estimator_width=8)
    fitted = fit(sharing, (told, x, y))
    assert groups_of(fitted) == [["t00", "t01", "t02"]]
    assert sharing.regroupings[-1].keepers != ["t00"]


def test_the_order_of_the_tasks_does_not_matter_to_groups_and_keepers() -> None:
    tasks, x, y = clusters(3, 3)
    order = [4, 0, 8, 2, 6, 1, 3, 7, 5]
    seen = []
    for places in (list(range(9)), order):
        sharing = SelectiveSharing(estimator_width=16)
        fit(sharing, (TaskSet([tasks[i] for i in places]), x, y[:, places]))
        first = sharing.regroupings[0]
        seen.append({tuple(sorted(g)): k for g, k in zip(first.groups, first.keepers, strict=True)})
    assert seen[0] == seen[1]


def test_the_last_step_is_looked_at_but_changes_nothing() -> None:
    sharing = SelectiveSharing(estimator_width=16)
    fitted = fit(sharing, clusters(2, 3), Training(epochs=1, learning_rate=0.01))
    (look,) = sharing.regroupings
    assert look.groups == look.before
    assert (look.step, look.epoch) == (30, 1)
    assert fitted.tree.widths == (1, 6)


def test_steps_and_epochs_go_on_over_merges() -> None:
    sharing = SelectiveSharing(Similarity(n_groups=2), estimator_width=16)
    fitted = fit(sharing, clusters(2, 3))
    assert [look.step for look in sharing.regroupings] == [30, 60, 90]
    assert [look.epoch for look in sharing.regroupings] == [1, 2, 3]
    assert [point.epoch for point in fitted.curve] == [1, 2, 3, 4]
    assert [point.widths for point in fitted.curve] == [[1, 6], [1, 2], [1, 2], [1, 2]]


def test_no_more_looks_than_asked_for_and_none_in_the_warm_up() -> None:
    rows = clusters(5, 1)
    for settings, steps in (({"max_regroupings": 1}, [30]), ({"warm_up": 40}, [90, 120])):
        sharing = SelectiveSharing(estimator_width=16, **settings)  # type: ignore[arg-type]
        fit(sharing, rows)
        assert [look.step for look in sharing.regroupings] == steps


def test_gradients_count_in_a_window_after_the_warm_up_and_after_each_look() -> None:
    sharing = SelectiveSharing(estimator_width=4, warm_up=2, window=3, interval=6)
    network = sharing.build(backbone(), BINARY)
    assert [step for step in range(9) if sharing.compares_at(step)] == [2, 3, 4]
    sharing.regrouping(network, Moment(step=6, epoch=1, n_steps=120))
    assert [step for step in range(12) if sharing.compares_at(step)] == [6, 7, 8]
    again = SelectiveSharing(estimator_width=4, warm_up=2, window=3, interval=6)
    again.load_state_tensors(sharing.state_tensors())
    assert [step for step in range(12) if again.compares_at(step)] == [6, 7, 8]
    sharing.regrouping(network, Moment(step=12, epoch=2, n_steps=120))
    assert not sharing.compares_at(12)  # two looks in a row changed nothing


def test_a_look_waits_for_enough_steps_unless_the_training_is_short() -> None:
    for n_steps, looks in ((2000, [150, 300]), (240, [60, 120])):
        sharing = SelectiveSharing(estimator_width=4)
        network = sharing.build(backbone(), BINARY)
        for step in range(10, 301, 10):
            sharing.regrouping(network, Moment(step=step, epoch=step // 10, n_steps=n_steps))
        assert [look.step for look in sharing.regroupings] == looks


def test_groups_are_divided_again_only_if_that_is_allowed() -> None:
    """Two conditions in turn: all together, then as the distances say."""
    rows = clusters(2, 3)
    widths = []
    for allowed in (False, True):
        asked = [0]

        def condition(distances: np.ndarray, asked: list[int] = asked) -> list[list[int]]:
            asked[0] += 1
            everybody = [list(range(len(distances)))]
            return everybody if asked[0] == 1 else Similarity(n_groups=2)(distances)

        sharing = SelectiveSharing(condition, estimator_width=16, allow_split=allowed)
        widths.append(fit(sharing, rows).tree.widths)
    assert widths == [(1, 1), (1, 2)]


@pytest.mark.parametrize("weighting", [Uncertainty(), UPGrad()], ids=["losses", "gradients"])
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("allow_split", [False, True])
def test_weighed_tasks_are_grouped_too(
    weighting: Weighting, exact: bool, allow_split: bool
) -> None:
    settings = Training(
        epochs=3, learning_rate=0.01, weighting=weighting, exact_gradients=exact, weight_decay=0.1
    )
    sharing = SelectiveSharing(Similarity(n_groups=2), estimator_width=16, allow_split=allow_split)
    fit(sharing, clusters(2, 3), settings)
    first = sharing.regroupings[0]
    assert first.groups == [["t00", "t01", "t02"], ["t03", "t04", "t05"]]


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_the_optimiser_goes_on_with_what_is_kept(optimiser: str) -> None:
    network = SelectiveSharing(estimator_width=4).build(backbone(0.0), BINARY)
    nn.init.normal_(network.heads.weight)
    make: Callable[..., torch.optim.Optimizer] = (
        torch.optim.Adam if optimiser == "adam" else torch.optim.SGD
    )
    extra = {} if optimiser == "adam" else {"momentum": 0.9}
    before = make(network.parameters(), lr=0.1, **extra)
    for _ in range(3):
        network(torch.randn(5, N_INPUTS)).square().sum().backward()
        before.step()
    tree = SharingTree(BINARY.names, (*network.tree.stages[:2], (("a", "b", "c", "d"),)))
    after = network.regrouped(tree, ["c"])
    fresh = make(after.parameters(), lr=0.1, **extra)
    carried(network, before, Proposal(tree, keepers=("c",)), {}).give(fresh, after)
    for name, parameter in after.named_parameters():
        source = name.replace("stages.2.copies.0.", "stages.2.joined.")
        old = before.state[dict(network.named_parameters())[source]]
        for key, value in fresh.state[parameter].items():
            kept = old[key][2] if source != name and old[key].ndim else old[key]
            assert_close(value, kept)
        assert fresh.state[parameter].keys() == old.keys()


def test_a_condition_may_be_any_function_and_its_name_is_recorded() -> None:
    def pairs(distances: np.ndarray) -> list[list[int]]:
        return [[0, 1], [2, 3]] if len(distances) == 4 else [[i] for i in range(len(distances))]

    sharing = SelectiveSharing(pairs, estimator_width=4)
    fitted = Trainer(SETTINGS).fit(sharing, backbone(), BINARY, batches(BINARY), held_out(BINARY))
    assert groups_of(fitted) == [["a", "b"], ["c", "d"]]
    assert "pairs" in str(sharing.settings()["condition"])
    assert SelectiveSharing(Variance(2)).settings()["condition"] == "Variance(n_groups=2)"


def test_groups_at_random_keep_the_sizes_that_the_likeness_of_tasks_gave() -> None:
    def two_pairs_then_all(distances: np.ndarray) -> list[list[int]]:
        return [[0, 1], [2, 3]] if len(distances) == 4 else [list(range(len(distances)))]

    sharing = SelectiveSharing(Shuffled(two_pairs_then_all), estimator_width=4, interval=2)
    fitted = Trainer(SETTINGS).fit(sharing, backbone(), BINARY, batches(BINARY), held_out(BINARY))
    assert sorted(map(len, groups_of(fitted))) == [2, 2]
    assert len(sharing.regroupings) == 1


def test_controls_have_one_estimator_from_the_first_look_or_one_per_task_to_the_end() -> None:
    trunk, estimator, outputs = 6 * 24 + 24, 24 * 16 + 16, 6 * 17
    for control, n_estimators in ((together, 1), (apart, 6)):
        sharing = SelectiveSharing(control, estimator_width=16)
        fitted = fit(sharing, clusters(2, 3))
        assert n_parameters(fitted.network) == trunk + n_estimators * estimator + outputs
        assert len(sharing.regroupings[0].groups) == n_estimators
        assert sharing.settings()["condition"] == control.__name__


def test_a_condition_that_settles_is_not_asked_again_once_it_has_joined_tasks() -> None:
    def one_less(distances: np.ndarray) -> list[list[int]]:
        return [[0, 1], *([t] for t in range(2, len(distances)))]

    for settles, n_looks in ((False, 3), (True, 1)):
        one_less.settles = settles  # type: ignore[attr-defined]
        sharing = SelectiveSharing(one_less, estimator_width=4, interval=2)
        Trainer(SETTINGS).fit(sharing, backbone(), BINARY, batches(BINARY), held_out(BINARY))
        assert len(sharing.regroupings) == n_looks


def test_no_more_nonnegative_factors_than_tasks_at_the_start_and_than_groups_later() -> None:
    sharing = SelectiveSharing(nonnegative=5, estimator_width=4)
    with pytest.raises(InputError, match=r"`nonnegative` must be at most the number of tasks, 4"):
        sharing.build(backbone(), BINARY)
    sharing = SelectiveSharing(Similarity(n_groups=2), nonnegative=4, estimator_width=4, interval=2)
    Trainer(SETTINGS).fit(sharing, backbone(), BINARY, batches(BINARY), held_out(BINARY))
    assert [len(look.energy) for look in sharing.regroupings] == [4, 2, 2]


def test_what_a_condition_gives_is_checked() -> None:
    sharing = SelectiveSharing(lambda _: [[0], [1]], estimator_width=4)
    with pytest.raises(Exception, match="exactly one group"):
        Trainer(SETTINGS).fit(sharing, backbone(), BINARY, batches(BINARY), held_out(BINARY))


def test_looks_travel_with_the_state() -> None:
    sharing = SelectiveSharing(estimator_width=16)
    fit(sharing, clusters(2, 3))
    again = SelectiveSharing(estimator_width=16)
    again.load_state_tensors(sharing.state_tensors())
    assert again.regroupings == sharing.regroupings
    matrix = again.matrix()
    assert matrix is not None
    assert np.allclose(matrix.diagonal(), 1)


def test_pictures_are_grouped_as_well() -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((96, 1, 6, 6))).float()
    y = (x.mean((1, 2, 3)) > 0).float()[:, None].expand(-1, 4)
    convolutional = nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    )
    sharing = SelectiveSharing(estimator_width=4)
    fitted = Trainer(SETTINGS).fit(sharing, convolutional, BINARY, loader(x, y), loader(x, y))
    assert fitted.tree.widths == (1, 1)


HOSTILE: dict[str, tuple[Callable[[], object], str]] = {
    "no condition": (lambda: SelectiveSharing(3), "condition"),  # type: ignore[arg-type]
    "a class": (lambda: SelectiveSharing(Similarity), "condition"),  # type: ignore[arg-type]
    "no width": (lambda: SelectiveSharing(estimator_width=0), "estimator_width"),
    "no layer": (lambda: SelectiveSharing(estimator_layers=0), "estimator_layers"),
    "no interval": (lambda: SelectiveSharing(interval=0), "interval"),
    "no window": (lambda: SelectiveSharing(window=0), "window"),
    "no look": (lambda: SelectiveSharing(max_regroupings=0), "max_regroupings"),
    "warm up backwards": (lambda: SelectiveSharing(warm_up=-1), "warm_up"),
    "half a width": (lambda: SelectiveSharing(estimator_width=4.5), "estimator_width"),  # type: ignore[arg-type]
    "layers as an answer": (lambda: SelectiveSharing(estimator_layers=True), "estimator_layers"),
    "interval as a word": (lambda: SelectiveSharing(interval="3"), "interval"),  # type: ignore[arg-type]
    "half a window": (lambda: SelectiveSharing(window=1.5), "window"),  # type: ignore[arg-type]
    "no warm up": (lambda: SelectiveSharing(warm_up=None), "warm_up"),  # type: ignore[arg-type]
    "half a look": (lambda: SelectiveSharing(max_regroupings=0.5), "max_regroupings"),  # type: ignore[arg-type]
    "half a factor": (lambda: SelectiveSharing(nonnegative=3.5), "nonnegative"),  # type: ignore[arg-type]
    "half a number": (lambda: SelectiveSharing(projection=8.5), "projection"),  # type: ignore[arg-type]
    "energy as a word": (lambda: SelectiveSharing(energy="all"), "energy"),  # type: ignore[arg-type]
    "unknown energy": (lambda: SelectiveSharing(energy=float("nan")), "energy"),
    "seed as a word": (lambda: SelectiveSharing(seed="0"), "seed"),  # type: ignore[arg-type]
    "signs as a word": (lambda: SelectiveSharing(sign_invariant="no"), "sign_invariant"),  # type: ignore[arg-type]
    "splits as a number": (lambda: SelectiveSharing(allow_split=1), "allow_split"),  # type: ignore[arg-type]
    "no energy": (lambda: SelectiveSharing(energy=0), "energy"),
    "no factor": (lambda: SelectiveSharing(nonnegative=0), "nonnegative"),
    "sizes of a sketch": (lambda: SelectiveSharing(nonnegative=2, projection=8), "projection"),
    "unknown sum": (lambda: SelectiveSharing(accumulate="mean"), "accumulate"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_makes_no_sense_is_refused(case: str) -> None:
    make, word = HOSTILE[case]
    with pytest.raises(InputError, match=f"^`{word}` .*$"):
        make()


def test_groups_are_joined_as_wholes_at_their_mean_distance() -> None:
    line = np.array([0.0, 0.1, 0.5, 0.9])
    distances = np.abs(line[:, None] - line)
    joined = regrouped_tasks(Similarity(0.5), distances, [[0, 1], [2], [3]], divides=False)
    assert joined == [[0, 1], [2, 3]]
    assert regrouped_tasks(
        Similarity(n_groups=3), distances, [[0, 3], [1], [2]], divides=False
    ) == [*([0, 3], [1], [2])]
    assert regrouped_tasks(Similarity(0.2), distances, [[0, 3], [1], [2]], divides=True) == [
        *([0, 1], [2], [3])
    ]


def test_unknown_tasks_go_with_their_group() -> None:
    distances = np.array([[0.0, np.nan, 0.9], [np.nan] * 3, [0.9, np.nan, 0.0]])
    groups = [[0, 1], [2]]
    assert regrouped_tasks(Similarity(0.5), distances, groups, divides=True) == groups
    assert regrouped_tasks(Similarity(1.0), distances, groups, divides=False) == [[0, 1, 2]]
    alone = regrouped_tasks(Similarity(1.0), distances, [[0], [1], [2]], divides=False)
    assert alone == [[0, 2], [1]]
    assert keepers_of(distances, [[0, 1], [2]], "zxy") == [0, 2]


def test_equally_central_tasks_are_told_by_their_names() -> None:
    distances = 1 - np.eye(3)
    assert keepers_of(distances, [[0, 1, 2]], ["c", "a", "b"]) == [1]


def test_nothing_seen_changes_nothing() -> None:
    sharing = SelectiveSharing(estimator_width=4, interval=6)
    network = sharing.build(backbone(), BINARY)
    assert sharing.matrix() is None
    assert sharing.regrouping(network, Moment(step=6, epoch=1, n_steps=120)) is None
    assert sharing.regroupings[0].distances == [[None] * 4] * 4
    assert tensors(BINARY)[0].shape[1] == N_INPUTS
