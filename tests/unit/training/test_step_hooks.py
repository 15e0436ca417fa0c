"""A user's own part in the steps of a training."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import torch
from tests.contracts._resuming import assert_same, fitted_in_parts
from tests.toy import BINARY, backbone, batches, held_out
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError
from ramify.data import Batch
from ramify.sharing import FixedTree, HardSharing, HookContext, Step, StepHook
from ramify.tasks import SharingTree
from ramify.training import SGD, Fitted, Trainer, Training
from ramify.weighting import Uncertainty

PLAIN = Training(iterations=3, optimiser=SGD(momentum=0.0), weight_decay=0.0, learning_rate=0.1)


def fit(
    *hooks: StepHook, settings: Training = PLAIN, folder: Path | None = None, grown: bool = False
) -> Fitted:
    tree = SharingTree(BINARY.names, ((BINARY.names,), (("a", "b"), ("c", "d"))))
    sharing = FixedTree(tree, growing_epochs_first=1) if grown else HardSharing()
    trainer = Trainer(settings, hooks=hooks, checkpoint=folder, checkpoint_seconds=0)
    rows = batches(BINARY, labelled=1.0)
    return trainer.fit(sharing, backbone(0.0), BINARY, rows, held_out(BINARY))


class Diary(StepHook):
    """Notes when it is called, and with what."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def start(self, context: HookContext) -> None:
        self.seen.append("start")

    def on_batch(self, batch: Batch, number: int) -> Batch:
        self.seen.append(f"batch {number}")
        return batch

    def before_forward(self, step: Step) -> None:
        self.seen.append("before forward")

    def forward_context(self, step: Step) -> AbstractContextManager[None]:
        @contextmanager
        def around() -> Iterator[None]:
            self.seen.append("enter")
            yield
            self.seen.append("leave")

        return around()

    def after_forward(self, step: Step) -> None:
        self.seen.append("after forward")
        assert step.outputs.shape == (16, 4)

    def weigh(self, step: Step, losses: Tensor) -> Tensor:
        self.seen.append("weigh")
        return losses

    def penalty(self, step: Step) -> Tensor | None:
        self.seen.append("penalty")
        assert step.loss.ndim == 0
        return None

    def after_backward(self, step: Step) -> None:
        self.seen.append("after backward")

    def after_step(self, step: Step) -> None:
        self.seen.append("after step")

    def after_epoch(self) -> None:
        self.seen.append("after epoch")


MOMENTS = [
    *("before forward", "enter", "leave", "after forward", "penalty", "weigh", "after backward"),
    "after step",
]


def test_every_moment_comes_in_its_order() -> None:
    diary = Diary()
    fit(diary)
    steps = [each for number in range(3) for each in (f"batch {number}", *MOMENTS)]
    assert diary.seen == ["start", *steps, "after epoch"]


def test_every_network_of_a_training_starts_its_hooks_anew() -> None:
    diary = Diary()
    fit(diary, settings=Training(epochs=1), grown=True)
    assert diary.seen.count("start") == 2  # the shared network, and then the tree
    assert [each for each in diary.seen if each.startswith("batch")][-1] == "batch 11"


def test_a_hook_that_only_looks_changes_nothing_bit_for_bit() -> None:
    class Looks(StepHook):
        def after_backward(self, step: Step) -> None:
            step.outputs.sum()

    assert_same(fit(), fit(Looks()))


def test_losses_can_be_weighed() -> None:
    class Twice(StepHook):
        def weigh(self, step: Step, losses: Tensor) -> Tensor:
            return 2 * losses

    fast = Training(**{**vars(PLAIN), "learning_rate": 0.2})
    assert_close(fit(Twice()).network.state_dict(), fit(settings=fast).network.state_dict())


class Decay(StepHook):
    """Half the squared length of all weights, times a strength."""

    def start(self, context: HookContext) -> None:
        self._parameters = list(context.network.parameters())

    def penalty(self, step: Step) -> Tensor:
        squares = [parameter.square().sum() for parameter in self._parameters]
        return 0.1 * torch.stack(squares).sum() / 2


@pytest.mark.parametrize("weighed", [False, True])
def test_a_penalty_is_added_and_weighed_by_nobody(weighed: bool) -> None:
    """What a penalty does is what a change of the gradients by hand does."""

    class ByHand(StepHook):
        def start(self, context: HookContext) -> None:
            self._parameters = list(context.network.parameters())

        def after_backward(self, step: Step) -> None:
            for parameter in self._parameters:
                assert parameter.grad is not None
                parameter.grad += 0.1 * parameter.detach()

    weighting = {"weighting": Uncertainty()} if weighed else {}
    settings = Training(**{**vars(PLAIN), **weighting})
    one, two = fit(Decay(), settings=settings), fit(ByHand(), settings=settings)
    assert_close(one.network.state_dict(), two.network.state_dict())
    assert not torch.allclose(
        fit(settings=settings).network.state_dict()["heads.weight"],
        one.network.state_dict()["heads.weight"],
    )


def test_a_batch_can_be_changed_and_what_serves_only_hidden_tasks_stays() -> None:
    class Hides(StepHook):
        def on_batch(self, batch: Batch, number: int) -> Batch:
            return batch.only([0, 2])

    found = fit(Hides()).network.state_dict()["heads.bias"]
    assert (found[[1, 3]] == 0).all()
    assert (found[[0, 2]] != 0).all()


class Average(StepHook):
    """Mean of the heads' weights over the steps, which it puts in their place at the end."""

    def __init__(self, last: int) -> None:
        self._last = last

    def start(self, context: HookContext) -> None:
        self._heads = context.network.get_submodule("heads").get_parameter("weight")
        self._sum, self._n = torch.zeros_like(self._heads), 0

    def after_step(self, step: Step) -> None:
        self._sum, self._n = self._sum + self._heads.detach(), self._n + 1
        if step.number == self._last:
            with torch.no_grad():
                self._heads.copy_(self._sum / self._n)

    def state(self) -> Mapping[str, Tensor]:
        return {"sum": self._sum, "n": torch.tensor(self._n)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self._sum, self._n = state["sum"].clone(), int(state["n"])


@pytest.mark.parametrize("steps", [1, 4, 7])
def test_the_state_of_a_hook_travels_with_the_checkpoint(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Training(epochs=2, learning_rate=0.01, keep_best=False)
    whole = fit(Average(11), settings=settings)
    assert not torch.equal(
        whole.network.state_dict()["heads.weight"],
        fit(settings=settings).network.state_dict()["heads.weight"],
    )
    parts = fitted_in_parts(
        lambda: fit(Average(11), settings=settings, folder=tmp_path), steps, monkeypatch
    )
    assert_same(whole, parts)


def test_hooks_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match=r"`hooks` must have names of their own.*'Diary' twice"):
        fit(Diary(), Diary())


def test_the_names_of_other_parts_of_a_state_are_refused() -> None:
    class Network(StepHook):
        name = "network"

    with pytest.raises(InputError, match="'network' twice"):
        fit(Network())


@pytest.mark.boundary
def test_what_is_no_hook_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"`hooks` must be a sequence, each a StepHook. Got .*'print'"
    ):
        Trainer(hooks=["print"])  # type: ignore[list-item]  # on purpose
