"""Keeping the weights of the best epoch, for each part of a network that stands on its own."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ramify.metrics import spread_over_rows
from ramify.networks import TaskNetwork
from ramify.tasks import TaskSet
from ramify.training._evaluation import Predictions

_SMOOTHED = 3


class BestWeights:
    """The best weights so far by validation.

    Groups of tasks that share nothing are networks of their own; each keeps the weights of its
    own best epoch. So a network per task, trained in one go, is selected task by task as it
    would be if trained alone. An epoch is judged by the mean of its score and those of the two
    before it: single scores of few rows are noise, and their maximum is a lucky one.

    Args:
        network: The network that trains.
        tied: Whether all tasks keep the weights of one epoch, whatever they share.
    """

    def __init__(self, network: TaskNetwork, *, tied: bool = False) -> None:
        self._network = network
        self._root_of_task = network.components
        if tied:
            self._root_of_task = np.zeros_like(self._root_of_task)
        n_roots = int(self._root_of_task.max()) + 1
        self.scores = np.full(n_roots, -np.inf)
        self.epochs = np.zeros(n_roots, dtype=np.int64)
        self._weights: dict[str, Tensor] = {}
        self._recent: list[list[float]] = []

    def update(self, skills: NDArray[np.float64], epoch: int) -> bool:
        """Look at an epoch's validation skills and keep the weights of the parts that improved.

        Args:
            skills: Per task; NaN where absent. Without any, the last epoch is the best.
            epoch: From 1.

        Returns:
            Whether any part improved.
        """
        scores = np.array([_mean(skills[self._root_of_task == r]) for r in range(len(self.scores))])
        self._recent = [*self._recent[1 - _SMOOTHED :], [float(s) for s in scores]]
        scores = np.mean(self._recent, axis=0)
        better = (scores > self.scores) | np.isnan(scores)
        if not better.any():
            return False
        self.scores = np.where(better & ~np.isnan(scores), scores, self.scores)
        self.epochs = np.where(better, epoch, self.epochs)
        self._keep(better)
        return True

    def load_into_network(self) -> None:
        """Put the best weights back."""
        if self._weights:
            self._network.load_state_dict(self._weights)

    def weights(self) -> Mapping[str, Tensor]:
        """The weights, for a checkpoint."""
        return self._weights

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Take over what `weights` gave."""
        self._weights = dict(weights)

    def numbers(self) -> dict[str, list[float | None]]:
        """The scores and epochs, for a checkpoint."""
        scores = [None if s == -np.inf else float(s) for s in self.scores]
        recent = [None if np.isnan(s) else s for row in self._recent for s in row]
        epochs: list[float | None] = [float(e) for e in self.epochs]
        return {"scores": scores, "epochs": epochs, "recent": recent}

    def load_numbers(self, numbers: Mapping[str, list[float | None]]) -> None:
        """Take over what `numbers` gave."""
        self.scores = np.array([-np.inf if s is None else s for s in numbers["scores"]])
        self.epochs = np.array(numbers["epochs"], dtype=np.int64)
        flat = [float("nan") if s is None else float(s) for s in numbers["recent"]]
        n_roots = len(self.scores)
        self._recent = [flat[i : i + n_roots] for i in range(0, len(flat), n_roots)]

    @torch.no_grad()
    def _keep(self, better: NDArray[np.bool_]) -> None:
        state = self._network.state_dict()
        if better.all() or not self._weights:
            self._weights = {name: tensor.clone() for name, tensor in state.items()}
            return
        improved = torch.from_numpy(better[self._root_of_task])
        owners = {rows.tensor.data_ptr(): rows.owners for rows in self._network.owned_weights()}
        for name, tensor in state.items():
            if tensor.data_ptr() not in owners:  # a counter of batches, not a weight
                continue
            serves = (owners[tensor.data_ptr()].cpu() & improved).any(dim=1)
            serves = serves.to(tensor.device).view((-1,) + (1,) * (tensor.ndim - 1))
            self._weights[name] = torch.where(serves, tensor, self._weights[name].to(tensor))


def _mean(skills: NDArray[np.float64]) -> float:
    known = skills[~np.isnan(skills)]
    return float(known.mean()) if len(known) else float("nan")


def choose_network(
    candidates: Sequence[Predictions],
    sizes: Sequence[int],
    clarity: Sequence[float],
    tasks: TaskSet,
) -> int:
    """The smallest network if it is as good as the best; else the clearest of the good ones.

    A network is good if its mean validation skill is within one standard error of the best one's.
    The standard error is that of the paired difference over the validation rows, or over whole
    groups of them. So dividing a network has to pay; and where it does, the evidence for the groups decides
    between trees whose scores cannot be told apart.

    Args:
        candidates: Predictions of every network on the same rows.
        sizes: Parameters of every network.
        clarity: How clearly the evidence shows every network's groups.
        tasks: The tasks.

    Returns:
        The index of the network to keep.

    References:
        Breiman, Friedman, Olshen, Stone. *Classification and Regression Trees*, 1984, 3.4.3, for
        the one-standard-error rule.
    """
    scored = [each.scored(tasks) for each in candidates]
    means = np.array([each.skills().mean().value for each in scored])
    best = int(np.nan_to_num(means, nan=-np.inf).argmax())
    gains = [scored[best].gains(each).mean() for each in scored]
    gap = np.array([each.value for each in gains])
    influence = np.nan_to_num(np.stack([each.influence for each in gains], axis=1))
    error = np.sqrt(spread_over_rows(influence, candidates[0].groups).variance)
    is_good = np.nan_to_num(gap, nan=np.inf) <= error
    is_good[best] = True
    good: list[int] = np.flatnonzero(is_good).tolist()
    smallest = min(range(len(sizes)), key=lambda i: sizes[i])
    return smallest if smallest in good else max(good, key=lambda i: (clarity[i], -sizes[i]))
