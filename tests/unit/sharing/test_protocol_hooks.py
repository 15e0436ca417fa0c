"""What strategies do in the steps of a training."""

import pytest
import torch
from tests.hooks import context, step_of
from tests.toy import BINARY, MIXED, backbone, tensors
from torch.testing import assert_close

from ramify.affinity import FeatureGradientAffinity
from ramify.losses import TaskLosses
from ramify.sharing import (
    FullyAdaptive,
    HardSharing,
    HeadGradients,
    LowLevel,
    SelectiveSharing,
    Sharing,
    Soft,
    StepEvidence,
    StepHook,
    hooks_of,
    overriding,
)


class Seen(FullyAdaptive):
    """Keeps the evidence that it is shown."""

    def observe(self, evidence: StepEvidence | HeadGradients) -> None:
        self.evidence = [*getattr(self, "evidence", []), evidence]


def test_gradients_of_heads_are_what_the_tasks_ask_of_the_features_in_the_step_itself() -> None:
    sharing = Seen(affinity="gradient-cosine")
    network = sharing.build(backbone(0.0), MIXED)
    torch.nn.init.normal_(network.heads.weight, generator=torch.Generator().manual_seed(0))
    x, y, mask = tensors(MIXED, 32)
    losses, given = TaskLosses(MIXED), context(network)
    hook = hooks_of(sharing, given)[-1]
    hook.start(given)

    step = step_of(x, y, mask)
    features = network.features(x)
    step.outputs = network.heads(features)
    sums, weights = losses.sums(step.outputs, y, mask)
    each = sums / weights
    pulls = torch.stack(
        [torch.autograd.grad(loss, features, retain_graph=True)[0].flatten() for loss in each]
    )
    hook.after_forward(step)
    torch.autograd.backward(each.sum())
    hook.after_step(step)
    with torch.no_grad():
        network.heads.weight.zero_()  # as a step of the optimiser changes them
    hook.flush()

    (kept,) = sharing.evidence
    assert isinstance(kept, HeadGradients)
    found = FeatureGradientAffinity(len(MIXED)).batch_sums(
        kept.outputs, kept.head_weights, kept.task_of_column, kept.label_mask
    )
    assert_close(found[0], pulls @ pulls.T)
    assert_close(found[1].diagonal(), (pulls @ pulls.T).diagonal())


@pytest.mark.parametrize("n_steps", [1, 16, 21])
def test_margins_are_shown_in_the_order_of_the_steps_and_none_is_lost(n_steps: int) -> None:
    sharing = Seen()
    network = sharing.build(backbone(0.0), MIXED)
    given = context(network)
    hook = hooks_of(sharing, given)[-1]
    hook.start(given)
    x, y, mask = tensors(MIXED, n_steps)
    for i in range(n_steps):
        step = step_of(x[: i + 1], y[: i + 1], mask[: i + 1])
        step.outputs = network(step.inputs)
        hook.after_step(step)
    hook.flush()
    assert [len(seen.margins) for seen in sharing.evidence] == list(range(1, n_steps + 1))


@pytest.mark.parametrize(
    ("sharing", "named", "named_later"),
    [
        (HardSharing(), set(), set()),
        (Soft(), {"coupling"}, {"coupling"}),
        (FullyAdaptive(), {"sharing", "_Margins"}, {"sharing"}),
        (
            FullyAdaptive(affinity="gradient-cosine"),
            {"sharing", "_GradientsOfHeads"},
            {"sharing"},
        ),
        (SelectiveSharing(), {"sharing", "_GradientsOfBranches"}, {"sharing"}),
        (LowLevel(in_turns=True), {"_Turns"}, {"_Turns"}),
    ],
)
def test_a_strategy_takes_part_as_far_as_its_protocols_go(
    sharing: Sharing, named: set[str], named_later: set[str]
) -> None:
    """Once the structure has been learned nothing is observed; what was learned is still kept."""
    network = sharing.build(backbone(), BINARY)

    def names(*, learns: bool) -> set[str]:
        hooks = hooks_of(sharing, context(network, learns_structure=learns))
        return {hook.name or type(hook).__name__ for hook in hooks}

    assert names(learns=True) == named
    assert names(learns=False) == named_later


def test_only_what_is_overridden_is_called() -> None:
    class Quiet(StepHook):
        pass

    class Epochs(Quiet):
        def after_epoch(self) -> None:
            pass

    epochs = Epochs()
    assert overriding([Quiet(), epochs], StepHook.after_epoch) == [epochs.after_epoch]
    assert overriding([Quiet(), epochs], StepHook.after_step) == []
