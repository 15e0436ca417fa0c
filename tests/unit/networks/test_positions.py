"""Features at positions: what heads read, what gradients there are, what padding does."""

import pytest
import torch
from tests.toy_tokens import MIXED_UNITS, N_INPUTS, ONLY_TOKENS, Words, backbone, batches, rows
from torch import Tensor, nn
from torch.testing import assert_close

from ramify._core import InputError
from ramify.losses import TaskLosses
from ramify.networks import (
    BranchedNetwork,
    ExpertNetwork,
    ExpertPlan,
    PositionNorm,
    ReadsPositions,
    TaskNetwork,
)
from ramify.networks.stacked._stacking import stacked
from ramify.sharing import FullyAdaptive, HardSharing, SingleTask
from ramify.tasks import PIXEL, ROW, TOKEN, Binary, SharingTree, Task, TaskSet
from ramify.training import Trainer, Training
from ramify.weighting import gram_at_features


class FirstWord(Words):
    """Rows read their first word."""

    def row_weights(self, real: Tensor) -> Tensor:
        return (torch.arange(real.shape[1]) == 0).float().expand(real.shape)


READERS = {"mean": Words, "first": FirstWord}


def network_of(reader: type[Words], tasks: TaskSet = MIXED_UNITS) -> BranchedNetwork:
    torch.manual_seed(0)
    stages = [reader(), *list(backbone(0.0))[1:]]
    tree = SharingTree.shared(tasks.names, 2)
    return BranchedNetwork(stages, tree, tasks).double()


def doubled(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return {"x": inputs["x"].double(), "real": inputs["real"]}


@pytest.mark.parametrize("reader", READERS)
def test_gradients_of_words_and_of_rows_meet_at_the_words(reader: str) -> None:
    """The Gram matrix from the outputs is that of gradients that autograd finds there."""
    network = network_of(READERS[reader])
    (batch,) = batches(MIXED_UNITS, 16)
    inputs = doubled(batch.inputs)
    network(inputs)  # to know the positions
    positions, heads = network.positions, network.heads
    assert positions is not None
    maps = network.maps(inputs)
    outputs = heads(positions.units(maps))
    losses = TaskLosses(MIXED_UNITS).double()(outputs, batch.targets.double(), batch.label_mask)
    found = [torch.autograd.grad(loss, maps, retain_graph=True)[0].flatten() for loss in losses]
    (at_outputs,) = torch.autograd.grad(losses.sum(), outputs)
    gram = gram_at_features(
        positions.spread(at_outputs),
        heads.weight.detach(),
        heads.get_buffer("task_of_column"),
        len(MIXED_UNITS),
    )
    expected = torch.stack(found) @ torch.stack(found).T
    assert_close(gram, expected)
    assert (expected[0, 1] / (expected[0, 0] * expected[1, 1]).sqrt()).abs() > 1e-6


def test_the_mask_of_a_place_is_its_own_or_that_of_its_row() -> None:
    network = network_of(Words)
    (batch,) = batches(MIXED_UNITS, 16)
    network(doubled(batch.inputs))
    assert network.positions is not None
    found = network.positions.spread_mask(batch.label_mask)
    assert batch.units is not None
    own, inside = batch.units.apart(batch.label_mask)
    assert own is not None
    real = batch.inputs["real"]
    for row in range(16):
        for word in range(5):
            for task in range(4):
                expected = inside[row, word, task] | (own[row, task] & real[row, word])
                assert found[row * 5 + word, task] == expected


def test_rows_read_what_their_backbone_says() -> None:
    inputs = doubled(rows(MIXED_UNITS, 6)["inputs"])
    network = network_of(FirstWord)
    outputs = network(inputs)
    assert network.positions is not None
    first = network.heads(network.maps(inputs)[:, :, 0])
    assert_close(outputs[:6], first)


def test_padding_is_no_part_of_the_norms_statistics() -> None:
    torch.manual_seed(0)
    norm, plain = PositionNorm(3).double(), nn.BatchNorm1d(3).double()
    x, real = torch.randn(4, 5, 3).double().requires_grad_(), torch.rand(4, 5) < 0.6
    norm.real = real
    found, expected = norm(x), plain(x[real])
    assert_close(found[real], expected)
    assert (found[~real] == 0).all()
    assert_close(dict(norm.norm.state_dict()), dict(plain.state_dict()))
    found.square().sum().backward()
    assert x.grad is not None
    assert (x.grad[~real] == 0).all()
    norm.eval()
    plain.eval()
    assert_close(norm(x)[real], plain(x[real]))


def test_a_network_tells_its_stages_what_is_padding_and_only_during_the_pass() -> None:
    stages = [Words(), nn.Linear(N_INPUTS, 4), PositionNorm(4), nn.ReLU(), nn.Linear(4, 4)]
    for sharing in (HardSharing(), SingleTask()):
        fitted = Trainer(Training(epochs=1)).fit(sharing, stages, ONLY_TOKENS, batches(ONLY_TOKENS))
        norms = [m for m in fitted.network.modules() if isinstance(m, PositionNorm)]
        assert len(norms) == fitted.tree.widths[0]
        assert all(norm.real is None for norm in norms)
        inputs = rows(ONLY_TOKENS, 4)["inputs"]
        once = fitted.network.train()(inputs)
        inputs["x"][~inputs["real"]] = 1e3
        again = fitted.network(inputs)
        kept = inputs["real"].flatten()
        assert_close(once[kept], again[kept])


class Embedded(ReadsPositions):
    """Words by number, with an embedding of its own."""

    unit = TOKEN

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(11, 6, padding_idx=0)

    def real(self, inputs: Tensor) -> Tensor:
        return inputs != 0

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = self.table(inputs)
        return found


def numbered(n: int = 32) -> list[tuple[Tensor, Tensor]]:
    words = torch.randint(0, 11, (n, 5), generator=torch.Generator().manual_seed(0))
    words[:, 0] += words[:, 0] == 0
    labels = torch.stack([words > 5, words % 2 == 0], dim=-1).float()
    return [(words, torch.where((words != 0).unsqueeze(-1), labels, float("nan")))]


TWO = TaskSet([Task("large", Binary(), unit=TOKEN), Task("even", Binary(), unit=TOKEN)])


@pytest.mark.parametrize("sharing", [HardSharing(), SingleTask(), FullyAdaptive()])
@pytest.mark.parametrize("reader", [Embedded, lambda: nn.Embedding(11, 6, padding_idx=0)])
def test_words_by_number_are_learned(sharing: HardSharing, reader: type[nn.Module]) -> None:
    stages = [reader(), nn.Linear(6, 8), nn.ReLU()]
    settings = Training(epochs=30, learning_rate=0.05, weight_decay=0.0)
    fitted = Trainer(settings).fit(sharing, stages, TWO, numbered(), numbered())
    assert fitted.curve[-1].validation_score == 1


def test_gates_of_experts_read_what_a_first_stage_made_of_words() -> None:
    network = ExpertNetwork([Embedded(), nn.Linear(6, 8)], TWO, ExpertPlan(n_shared=2))
    assert len(network.trunk) == 1
    assert network(numbered()[0][0]).shape == (32 * 5, 2)


@pytest.mark.parametrize("sources", [1, 3])
def test_stacked_tables_look_up_what_single_ones_do(sources: int) -> None:
    tables = [nn.Embedding(7, 4, padding_idx=2) for _ in range(3)]
    joined = stacked(tables)
    assert joined is not None
    words = torch.randint(0, 7, (sources, 5, 6))
    found = joined(words)
    given = words.expand(3, 5, 6)
    expected = [table(each) for table, each in zip(tables, given, strict=True)]
    assert_close(found, torch.stack(expected))
    weights = torch.randn_like(found)
    ours = torch.autograd.grad((found * weights).sum(), list(joined.parameters()))
    total = (torch.stack(expected) * weights).sum()
    theirs = torch.autograd.grad(total, [table.weight for table in tables])
    assert_close(ours, (torch.stack(theirs),))


@pytest.mark.parametrize(
    ("stages", "tasks", "message"),
    [
        (
            [Words(), nn.Linear(6, 4)],
            TaskSet([Task("a", Binary(), unit=PIXEL)]),
            "must have features of pixels, .* Got a stage that reads tokens",
        ),
        (
            [Words(), nn.Flatten(), nn.Linear(30, 4)],
            ONLY_TOKENS,
            r"must keep the positions of tokens, .* Got features with no positions",
        ),
        (
            [nn.Linear(6, 4)],
            TaskSet([Task("a", Binary(), unit=PIXEL)]),
            "must keep the positions of pixels, of 2 axes. Got features with positions of shape",
        ),
    ],
)
def test_backbones_whose_positions_do_not_fit_are_refused(
    stages: list[nn.Module], tasks: TaskSet, message: str
) -> None:
    inputs = rows(ONLY_TOKENS, 3)["inputs"]

    def run() -> Tensor:
        network: TaskNetwork = HardSharing().build(stages, tasks)
        found: Tensor = network(inputs if isinstance(stages[0], Words) else inputs["x"])
        return found

    with pytest.raises(InputError, match=message):
        run()


def test_rows_of_images_are_flattened_as_ever() -> None:
    """Without a module that says what positions are, features of any shape are one vector."""
    tasks = TaskSet([Task("a", Binary(), unit=ROW)])
    network = HardSharing().build([nn.Conv2d(1, 2, 1)], tasks, n_features=8)
    assert network(torch.zeros(3, 1, 2, 2)).shape == (3, 1)
