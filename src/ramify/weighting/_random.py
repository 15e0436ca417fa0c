"""Weights by chance, the control of all weightings, and orders by chance."""

import torch
from torch import Tensor

from ramify.tasks import TaskSet
from ramify.weighting._base import LossWeighting, Remembering
from ramify.weighting._present_tasks import share_among, spread_over


def random_state(seed: int) -> Tensor:
    """A generator's state as a tensor, so that it travels with the others."""
    return torch.Generator().manual_seed(seed).get_state()


def normal_numbers(memory: dict[str, Tensor], *shape: int) -> Tensor:
    """Draw standard normal numbers and move the remembered state on."""
    generator = torch.Generator()
    generator.set_state(memory["random"].cpu())
    drawn = torch.randn(shape, generator=generator)
    memory["random"] = generator.get_state()
    return drawn


class Random(LossWeighting, Remembering):
    """Random loss weighting: the softmax of normal numbers, redrawn in every step.

    Any weighting that claims to help should be better than this one.

    References:
        Lin, Ye, Zhang, Tsang. *Reasonable Effectiveness of Random Weighting: A Litmus Test for
        Multi-Task Learning*, TMLR 2022, algorithm 2.
    """

    name = "random"
    label = "random weights, drawn in every step"

    def initial(self, tasks: TaskSet, seed: int) -> dict[str, Tensor]:
        """The state of the random numbers."""
        return {"random": random_state(seed)}

    def solve(self, losses: Tensor, present: Tensor) -> Tensor:
        """Weights of mean 1 over the present tasks."""
        scores = normal_numbers(self.memory, len(losses)).to(losses)
        return spread_over(share_among(scores, present), present)
