import torch
from tests.toy import MIXED, backbone, tensors
from torch.testing import assert_close

from ramify.affinity import FeatureGradientAffinity
from ramify.losses import TaskLosses
from ramify.sharing import FullyAdaptive, HardSharing
from ramify.training._head_watch import head_watch


def whole(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def test_it_keeps_what_the_tasks_ask_of_the_features_in_the_step_itself() -> None:
    sharing = FullyAdaptive(affinity="gradient-cosine")
    network = sharing.build(backbone(0.0), MIXED)
    torch.nn.init.normal_(network.heads.weight, generator=torch.Generator().manual_seed(0))
    x, y, mask = tensors(MIXED, 32)
    losses = TaskLosses(MIXED)
    watch = head_watch(network, sharing, whole)
    assert watch is not None

    features = network.features(x)
    outputs = network.heads(features)
    sums, weights = losses.sums(outputs, y, mask)
    each = sums / weights
    pulls = torch.stack(
        [torch.autograd.grad(loss, features, retain_graph=True)[0].flatten() for loss in each]
    )
    watch.watch(outputs, mask)
    torch.autograd.backward(each.sum())
    watch.keep()
    with torch.no_grad():
        network.heads.weight.zero_()  # as a step of the optimiser changes them

    kept = watch.next()
    found = FeatureGradientAffinity(len(MIXED)).batch_sums(
        kept.outputs, kept.head_weights, kept.task_of_column, kept.label_mask
    )
    assert_close(found[0], pulls @ pulls.T)
    assert_close(found[1].diagonal(), (pulls @ pulls.T).diagonal())


def test_who_does_not_ask_has_no_watch() -> None:
    for sharing in (FullyAdaptive(), HardSharing()):
        assert head_watch(sharing.build(backbone(), MIXED), sharing, whole) is None
