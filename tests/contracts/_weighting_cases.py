"""One row per weighting and what it promises, and Gram matrices that are hard on rules."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ramify import weighting
from ramify.tasks import Binary, Multiclass, Regression, Task, TaskSet
from ramify.weighting import GramFunction, GramWeighting, LossWeighting, Weighting

TASKS = TaskSet(
    [
        Task("a", Binary()),
        Task("b", Regression()),
        Task("c", Multiclass(("x", "y", "z"))),
        Task("d", Binary()),
        Task("e", Regression()),
    ]
)
N_TASKS = len(TASKS)


@dataclass(frozen=True)
class LossCase:
    """How to build a loss weighting, and its promises.

    Attributes:
        build: A new one.
        mean_one: Whether its weights are 1 on average over the present tasks.
        scale_free: Whether a common factor of all losses changes nothing.
        by_chance: Whether the weights are drawn, so that the order of the tasks matters.
        alone: Weight of a single task.
    """

    build: Callable[[], LossWeighting]
    mean_one: bool = True
    scale_free: bool = True
    by_chance: bool = False
    alone: float = 1.0


@dataclass(frozen=True)
class GramCase:
    """How to build a Gram weighting, and its promises.

    Attributes:
        build: A new one.
        least: Smallest weight that it may give.
        mean_one: Whether its weights are 1 on average over the present tasks.
        harm: The most negative inner product that its direction may have with any unit gradient,
            where all gradients together are of length 1; None if it may harm.
        by_chance: Whether orders are drawn, so that the order of the tasks matters.
        alone: Weight of a single task whose loss is 1.
        undisturbed: Weight of each task where all gradients are orthogonal, of one length, and all
            losses 1.
    """

    build: Callable[[], GramWeighting]
    least: float = 0.0
    mean_one: bool = False
    harm: float | None = None
    by_chance: bool = False
    alone: float = 1.0
    undisturbed: float = 1.0


LOSS_CASES: dict[type[Weighting], LossCase] = {
    weighting.Equal: LossCase(weighting.Equal),
    weighting.Fixed: LossCase(lambda: weighting.Fixed([1.0] * N_TASKS)),
    weighting.Uncertainty: LossCase(weighting.Uncertainty, mean_one=False, scale_free=False),
    weighting.IMTLL: LossCase(weighting.IMTLL, mean_one=False, scale_free=False),
    weighting.DWA: LossCase(weighting.DWA),
    weighting.Random: LossCase(weighting.Random, by_chance=True),
    weighting.Geometric: LossCase(weighting.Geometric, mean_one=False),
    weighting.FAMO: LossCase(weighting.FAMO),
    weighting.SmoothTchebycheff: LossCase(weighting.SmoothTchebycheff, scale_free=False),
}

GRAM_CASES: dict[type[Weighting], GramCase] = {
    weighting.GradNorm: GramCase(weighting.GradNorm, least=5e-4, mean_one=True),
    weighting.MGDA: GramCase(weighting.MGDA, mean_one=True, harm=1e-6),
    weighting.PCGrad: GramCase(weighting.PCGrad, least=1.0, by_chance=True),
    weighting.GradVac: GramCase(weighting.GradVac, least=1.0, by_chance=True),
    weighting.CAGrad: GramCase(weighting.CAGrad, alone=1.4, undisturbed=1.4),
    weighting.IMTLG: GramCase(weighting.IMTLG, least=-float("inf"), mean_one=True),
    weighting.NashMTL: GramCase(weighting.NashMTL, harm=1e-6),
    weighting.FairGrad: GramCase(weighting.FairGrad, harm=1e-6),
    weighting.AlignedMTL: GramCase(weighting.AlignedMTL, least=-float("inf")),
    weighting.UPGrad: GramCase(weighting.UPGrad, least=1.0, harm=1e-2),
    weighting.DBMTL: GramCase(weighting.DBMTL),
    GramFunction: GramCase(
        lambda: GramFunction(lambda gram: gram.new_full((len(gram),), 1 / len(gram)), "mean"),
        mean_one=True,
    ),
}


def gradients(n_tasks: int = N_TASKS, n_parameters: int = 7, seed: int = 0) -> Tensor:
    """Gradients of several lengths with conflicts among them."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(n_tasks, n_parameters, generator=generator, dtype=torch.float64)
    return drawn * torch.linspace(0.5, 3, n_tasks, dtype=torch.float64)[:, None]


def gram_of(rows: Tensor) -> Tensor:
    return rows @ rows.T


def hard_grams() -> dict[str, Tensor]:
    """Gram matrices of five tasks, by what is wrong with them."""
    rows, one = gradients(), gradients(1)
    scales = torch.tensor([1e-12, 1e-6, 1.0, 1e6, 1e12], dtype=torch.float64)
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0], dtype=torch.float64)
    half_zero = torch.where(torch.arange(N_TASKS) % 2 == 0, 1.0, 0.0).double()
    shifted = gradients(seed=4) + 10  # nearly the same direction
    return {
        "all zero": gram_of(0 * rows),
        "zero rows": gram_of(rows * half_zero[:, None]),
        "all alike": gram_of(one.expand(N_TASKS, -1)),
        "opposed": gram_of(signs[:, None] * one),
        "opposed, unequal": gram_of(signs[:, None] * torch.arange(1, 6)[:, None] * one),
        "sum to zero": gram_of(rows - rows.mean(0)),
        "rank 1": gram_of(scales.log()[:, None].tanh() * one),
        "rank 2": gram_of(gradients(n_parameters=2)),
        "nearly alike": gram_of(shifted),
        "lengths from 1e-12 to 1e12": gram_of(scales[:, None] * rows),
        "tiny": 1e-30 * gram_of(rows),
        "huge": 1e15 * gram_of(rows),
        "single precision": gram_of(gradients(n_parameters=3).float()).double(),
        "rounded below zero": gram_of(gradients(n_parameters=3)) - 1e-12 * torch.eye(N_TASKS),
    }
