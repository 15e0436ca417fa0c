"""Weightings of gradients in TorchJD and LibMTL, on the networks that ours are timed on."""

import warnings
from collections.abc import Callable, Iterator, Sequence

import torch
from speed import Step, libmtl_step
from torch import Tensor, nn
from torch.nn import functional

from ramify.data import Batch
from ramify.training import Training

TORCHJD = ("MGDA", "PCGrad", "CAGrad", "UPGrad", "NashMTL")
LIBMTL = ("EW", "MGDA", "PCGrad", "CAGrad")
LIBMTL_AT_FEATURES = ("MGDA",)  # its other two have no such form
LIBMTL_SETTINGS = {"mgda_gn": "none", "calpha": 0.5, "rescale": 1}
Made = tuple[str, Callable[[], Step]]


class Rival:
    """A step of another library, which may fail; then it does nothing more and says why."""

    def __init__(self, make: Callable[[], Step]) -> None:
        self.fault = ""
        try:
            self._step = make()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is shown
            self._note(error)

    def __call__(self, batch: Batch) -> None:
        """Take the step."""
        if self.fault:
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._step(batch)
        except Exception as error:  # noqa: BLE001
            self._note(error)

    def _note(self, error: Exception) -> None:
        self.fault = f"{type(error).__name__}: {' '.join(str(error).split())[:150]}"


def rivals(
    backbone: Callable[[], nn.Sequential], n_tasks: int, batches: Sequence[Batch]
) -> Iterator[Made]:
    """What there is of both, by name, to be made.

    Args:
        backbone: Makes the shared network.
        n_tasks: Number of tasks.
        batches: All batches that will be given.
    """
    yield "PyTorch by hand", lambda: hand_step(backbone(), n_tasks)
    for name in TORCHJD:
        yield f"TorchJD {name}", lambda name=name: torchjd_step(name, backbone(), n_tasks)
        yield (
            f"TorchJD {name}, autogram",
            lambda name=name: torchjd_gram_step(name, backbone(), n_tasks),
        )
    for name in LIBMTL:
        yield f"LibMTL {name}", lambda name=name: _libmtl(name, backbone, n_tasks, batches)
    for name in LIBMTL_AT_FEATURES:
        yield (
            f"LibMTL {name}, at the features",
            lambda name=name: _libmtl(name, backbone, n_tasks, batches, at_features=True),
        )


def hand_step(backbone: nn.Sequential, n_tasks: int) -> Step:
    """Plain summed losses."""
    network, losses_of = by_hand(backbone, n_tasks)
    optimiser = _optimiser(network)

    def step(batch: Batch) -> None:
        optimiser.zero_grad()
        torch.autograd.backward(losses_of(batch).mean())
        _finish(network, optimiser)

    return step


def torchjd_step(name: str, backbone: nn.Sequential, n_tasks: int) -> Step:
    """A rule on all parameters of the same network, its heads one wide layer.

    Raises:
        ImportError: If TorchJD is not installed, or what it needs for the rule.
    """
    from torchjd import aggregation  # noqa: PLC0415
    from torchjd.autojac import backward, jac_to_grad  # noqa: PLC0415

    network, losses_of = by_hand(backbone, n_tasks)
    settings = _torchjd_settings(n_tasks).get(name, {})
    aggregator, optimiser = getattr(aggregation, name)(**settings), _optimiser(network)
    parameters = list(network.parameters())

    def step(batch: Batch) -> None:
        losses = losses_of(batch)
        optimiser.zero_grad()
        backward(losses)
        jac_to_grad(parameters, aggregator)
        _finish(network, optimiser)

    return step


def torchjd_gram_step(name: str, backbone: nn.Sequential, n_tasks: int) -> Step:
    """The same rule on the Gram matrix alone, which it calls its fastest form.

    Raises:
        ImportError: If TorchJD is not installed, or what it needs for the rule.
        AttributeError: If the rule has no such form.
    """
    from torchjd import aggregation  # noqa: PLC0415
    from torchjd.autogram import Engine  # noqa: PLC0415

    network, losses_of = by_hand(backbone, n_tasks)
    settings = _torchjd_settings(n_tasks).get(name, {})
    weighting, optimiser = getattr(aggregation, f"{name}Weighting")(**settings), _optimiser(network)
    engine = Engine(network, batch_dim=None)

    def step(batch: Batch) -> None:
        losses = losses_of(batch)
        weights = weighting(engine.compute_gramian(losses))
        optimiser.zero_grad()
        losses.backward(weights)
        _finish(network, optimiser)

    return step


def torchjd_weightings(n_tasks: int) -> Iterator[tuple[str, Callable[[Tensor], Tensor]]]:
    """Its rules on Gram matrices, to be put into ramify's step; none where it is not installed."""
    try:
        from torchjd import aggregation  # noqa: PLC0415
    except ImportError:
        return
    for name in TORCHJD:
        try:
            made = getattr(aggregation, f"{name}Weighting")
            yield name, made(**_torchjd_settings(n_tasks).get(name, {}))
        except (AttributeError, ImportError):  # no such form, or what it needs is not installed
            continue


def _torchjd_settings(n_tasks: int) -> dict[str, dict[str, float]]:
    return {"CAGrad": {"c": 0.5}, "NashMTL": {"n_tasks": n_tasks}}


def by_hand(
    backbone: nn.Sequential, n_tasks: int
) -> tuple[nn.Sequential, Callable[[Batch], Tensor]]:
    """The same network in plain PyTorch, and its tasks' losses."""
    torch.manual_seed(0)
    network = nn.Sequential(*backbone, nn.Linear(width_of(backbone), n_tasks))

    def losses_of(batch: Batch) -> Tensor:
        weights = batch.label_mask.float()
        losses = functional.binary_cross_entropy_with_logits(
            network(batch.inputs), batch.targets, reduction="none"
        )
        return (losses * weights).sum(0) / weights.sum(0).clamp(min=1)

    return network, losses_of


def width_of(backbone: nn.Sequential) -> int:
    """Number of features that a backbone ends with."""
    return [layer for layer in backbone if isinstance(layer, nn.Linear)][-1].out_features


def _libmtl(
    name: str,
    backbone: Callable[[], nn.Sequential],
    n_tasks: int,
    batches: Sequence[Batch],
    *,
    at_features: bool = False,
) -> Step:
    return libmtl_step(
        n_tasks,
        batches,
        rule=name,
        encoder=backbone,
        width=width_of(backbone()),
        at_features=at_features,
        settings=LIBMTL_SETTINGS,
    )


def _optimiser(network: nn.Module) -> torch.optim.Optimizer:
    settings = Training()
    return torch.optim.AdamW(
        network.parameters(),
        lr=settings.rate,
        weight_decay=settings.decay,
        fused=True,
    )


def _finish(network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    nn.utils.clip_grad_norm_(network.parameters(), Training().gradient_clip)
    optimiser.step()
