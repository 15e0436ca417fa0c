"""A tensor normal prior of the weights of several tasks, with its three covariances."""

import torch
from jaxtyping import Float
from torch import Tensor

from ramify._core import InputError

Covariances = tuple[Tensor, Tensor, Tensor]


def negative_log_prior(
    weights: Float[Tensor, "task out feature"], precisions: Covariances, log_determinants: Tensor
) -> Float[Tensor, ""]:
    r"""Half the negative log-density of a tensor normal, without the constant.

    .. math:: \frac12 \Big[\sum_{tj} (\Sigma_3^{-1})_{tj}
        \langle W_t, \Sigma_2^{-1} W_j \Sigma_1^{-1} \rangle
        + \sum_k \frac{D}{D_k} \ln |\Sigma_k| \Big]

    with the covariances of features, outputs and tasks, and the number *D* of all weights. The
    paper prints a minus before the log-determinants; a density needs the plus, and only with it
    are the covariances of `TensorNormal` stationary.

    Args:
        weights: One matrix per task.
        precisions: Inverses :math:`\Sigma_1^{-1}` (features), :math:`\Sigma_2^{-1}` (outputs) and
            :math:`\Sigma_3^{-1}` (tasks).
        log_determinants: The three :math:`\ln |\Sigma_k|`.
    """
    features, outputs, tasks = precisions
    whitened = outputs @ weights @ features
    mixed = torch.einsum("tj,jof->tof", tasks, whitened)
    n_tasks, n_out, n_in = weights.shape
    share = log_determinants.new_tensor([n_out * n_tasks, n_in * n_tasks, n_in * n_out])
    return ((weights * mixed).sum() + (share * log_determinants).sum()) / 2


class TensorNormal:
    r"""The prior of one layer's weights, stacked over tasks: what tasks, outputs, features share.

    Each update replaces every covariance by its best value given the others, so that the density
    of the weights never falls:

    .. math:: \Sigma_1 = \frac{1}{D_2 T} \sum_{tj} (\Sigma_3^{-1})_{tj}\, W_t^\top \Sigma_2^{-1} W_j
        \qquad (\Sigma_3)_{tj} = \frac{1}{D_1 D_2} \langle W_t, \Sigma_2^{-1} W_j \Sigma_1^{-1}\rangle

    and :math:`\Sigma_2` alike; no Kronecker product is formed. Then each gets :math:`\epsilon I`,
    is averaged with its last value, and the covariances of features and outputs are scaled to a
    mean variance of 1, which that of the tasks takes over: only the product has a scale. With a
    ``variance`` this scale is given, and only the shapes are learned.

    Args:
        shape: Numbers of tasks, outputs and features.
        variance: Mean variance of a weight; None to learn it, from 1.
        ridge: :math:`\epsilon`, in units of the mean variance.
        damping: Share of the last value that is kept, in [0, 1).
        only_tasks: Whether features and outputs stay independent, as in the authors' code.

    Raises:
        InputError: If the ridge or variance is not above 0 or the damping is not in [0, 1).

    References:
        Long, Cao, Wang, Yu. *Learning Multiple Tasks with Multilinear Relationship Networks*,
        NIPS 2017, section 3.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        variance: float | None = None,
        ridge: float = 1e-3,
        damping: float = 0.5,
        only_tasks: bool = False,
    ) -> None:
        if not ridge > 0 or not 0 <= damping < 1:
            raise InputError(
                f"`ridge` must be above 0 and `damping` in [0, 1). Got {ridge} and {damping}"
            )
        if variance is not None and not variance > 0:
            raise InputError(f"`variance` must be above 0, or None. Got {variance}")
        n_tasks, n_out, n_in = shape
        self._ridge, self._damping, self._only_tasks = ridge, damping, only_tasks
        self._variance = variance
        self.features, self.outputs, self.tasks = (
            torch.eye(n, dtype=torch.float64) for n in (n_in, n_out, n_tasks)
        )
        self.tasks *= 1.0 if variance is None else variance
        self._dtype = torch.float32
        self._invert()

    def penalty(self, weights: Float[Tensor, "task out feature"]) -> Float[Tensor, ""]:
        """The negative log-prior of weights under the covariances of now.

        Args:
            weights: One matrix per task.
        """
        self._follow(weights)
        return negative_log_prior(weights, self._precisions, self._log_determinants)

    @torch.no_grad()
    def update(self, weights: Float[Tensor, "task out feature"]) -> None:
        """One round of best covariances: features, outputs, tasks.

        Args:
            weights: One matrix per task.
        """
        self._follow(weights)
        w = weights.double()
        n_tasks, n_out, n_in = w.shape
        if not self._only_tasks:
            mixed = torch.einsum("tj,jof->tof", _inverse(self.tasks), w)
            best = torch.einsum("tof,toi->fi", w, _inverse(self.outputs) @ mixed)
            self._set("features", best / (n_out * n_tasks))
            best = torch.einsum("tof,tpf->op", w, mixed @ _inverse(self.features))
            self._set("outputs", best / (n_in * n_tasks))
        whitened = _inverse(self.outputs) @ w @ _inverse(self.features)
        best = torch.einsum("tof,jof->tj", w, whitened) / (n_in * n_out)
        self._set("tasks", best)
        for name in ("features", "outputs"):
            scale = getattr(self, name).diagonal().mean()
            setattr(self, name, getattr(self, name) / scale)
            self.tasks = self.tasks * scale
        if self._variance is not None:
            self.tasks = self.tasks * (self._variance / self.tasks.diagonal().mean())
        self._invert()

    def state(self) -> dict[str, Tensor]:
        """The covariances, for a checkpoint."""
        return {"features": self.features, "outputs": self.outputs, "tasks": self.tasks}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave."""
        for name in ("features", "outputs", "tasks"):
            setattr(self, name, state[name].double())
        self._invert()

    def _follow(self, weights: Tensor) -> None:
        """Go where the weights are, and to their precision."""
        if weights.device != self.tasks.device or weights.dtype != self._dtype:
            self._dtype = weights.dtype
            self.load_state({name: each.to(weights.device) for name, each in self.state().items()})

    def _set(self, name: str, best: Tensor) -> None:
        best = (best + best.T) / 2
        mean = best.diagonal().mean().clamp(min=1e-12)
        best = best + self._ridge * mean * torch.eye(
            len(best), dtype=best.dtype, device=best.device
        )
        last = getattr(self, name)
        if self._variance is not None:  # else small weights would hardly move the average
            best = best * (last.diagonal().mean() / best.diagonal().mean())
        setattr(self, name, torch.lerp(best, last, self._damping))

    def _invert(self) -> None:
        """What every step needs, in the precision of the weights."""
        every = (self.features, self.outputs, self.tasks)
        first, second, third = (_inverse(each).to(self._dtype) for each in every)
        self._precisions = (first, second, third)
        logs = [torch.linalg.slogdet(each).logabsdet for each in every]
        self._log_determinants = torch.stack(logs).to(self._dtype)


def _inverse(matrix: Tensor) -> Tensor:
    return torch.cholesky_inverse(torch.linalg.cholesky(matrix))
