"""Weights averaged over the last steps, which are scored and kept in the place of the last ones."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from ramify.sharing import HookContext, Step, StepHook

_SHARE = 0.1
_EVERY = 4  # steps: weights that follow each other are so alike that a part of them tells as much
_FIRST = 50  # steps; before, weights move too far for an average of them to be a network


class Averaging(StepHook):
    """An exponential mean of the weights over about the last tenth of the steps so far.

    At step t the mean moves by 1 / (1 + t / 10) of the way to the weights, four steps at once. So it needs no length
    of a window, and stands for the fall of the learning rate that a known end would have.
    Running statistics are averaged as the weights are.

    References:
        Izmailov et al. *Averaging Weights Leads to Wider Optima and Better Generalization*, UAI
        2018; the window that grows with the steps is that of Karras et al. *Analyzing and Improving
        the Training Dynamics of Diffusion Models*, CVPR 2024, section 3.1.
    """

    name = "average"

    def start(self, context: HookContext) -> None:
        """Begin at the weights of now."""
        self._n_steps = 0
        tensors = context.network.state_dict()
        self._weights = [t for t in tensors.values() if t.is_floating_point()]
        self._means = [tensor.detach().clone() for tensor in self._weights]

    @torch.no_grad()
    def after_step(self, step: Step) -> None:
        """Move the means."""
        self._n_steps += 1
        if self._n_steps <= _FIRST:
            torch._foreach_copy_(self._means, self._weights)
        elif self._n_steps % _EVERY == 0:
            # One move as far as those of the steps since the last would lead.
            share = 1 - (1 - 1 / (1 + _SHARE * self._n_steps)) ** _EVERY
            torch._foreach_lerp_(self._means, self._weights, share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within the block, the network has the mean weights."""
        last = [tensor.clone() for tensor in self._weights]
        self.load()
        yield
        with torch.no_grad():
            torch._foreach_copy_(self._weights, last)

    @torch.no_grad()
    def load(self) -> None:
        """Put the means into the network."""
        torch._foreach_copy_(self._weights, self._means)

    def state(self) -> Mapping[str, Tensor]:
        """The means, and how many steps they are about."""
        means = {str(i): mean for i, mean in enumerate(self._means)}
        return {**means, "n_steps": torch.tensor(self._n_steps)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take them over."""
        self._n_steps = int(state["n_steps"])
        for i, mean in enumerate(self._means):
            mean.copy_(state[str(i)])
