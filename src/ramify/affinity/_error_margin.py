"""Affinity of tasks from samples that are easy or difficult for both at once."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ramify._core import InputError, ShapeError

_N_BLOCKS = 10
_LARGEST_WEIGHT = 1e12


class ErrorMarginAffinity:
    r"""Streaming affinity of tasks: how often a sample is easy for both or difficult for both.

    A sample is *difficult* for a task if its error margin is at least the running mean of that
    task's margins, :math:`e_i = 1[m_i \ge E\,m_i]`, and

    .. math:: A(i, j) = P(e_i = e_j) = E[e_i e_j + (1 - e_i)(1 - e_j)].

    Means decay by ``decay`` per batch and are corrected for their start (their weights sum to 1).
    The running mean that a batch is compared with is the one from before the batch. Numerator and
    denominator of each pair count only samples that are labelled for both tasks, so a batch
    without labels of a task leaves the values of that task as they are.

    Two readings of the same counts: `matrix`, the paper's, and `corrected`, in which the
    agreement that the two tasks' rates of difficult samples alone would give is taken out.
    With rare labels most samples are easy for every task, and the paper's value is then near 1
    for all pairs, related or not.

    Batches are dealt in turn to ten blocks of counts, so that `resampled` can redraw the evidence.

    Differences from the paper's code: samples without a label are left out (there they count as
    easy), and a batch counts by its number of samples (there every batch counts alike).

    Args:
        n_tasks: Number of tasks.
        decay: Factor per batch of what was counted before, in (0, 1].

    Raises:
        InputError: If ``n_tasks`` or ``decay`` is out of range.

    References:
        Lu et al. *Fully-adaptive Feature Sharing in Multi-Task Networks*, CVPR 2017, eq. (4).
        Cohen. *A coefficient of agreement for nominal scales*, 1960 (for `corrected`).

    Example:
        >>> import torch
        >>> affinity = ErrorMarginAffinity(n_tasks=2)
        >>> margins = torch.tensor([[0.1, 0.2], [0.9, 0.8], [0.2, 0.9]])
        >>> for _ in range(50):
        ...     affinity.update(margins, torch.ones(3, 2, dtype=torch.bool))
        >>> bool(affinity.matrix()[0, 1] > 0.6)
        True
    """

    def __init__(self, n_tasks: int, decay: float = 0.99) -> None:
        if n_tasks < 1:
            raise InputError(f"`n_tasks` must be 1 or more. Got {n_tasks}")
        if not 0 < decay <= 1:
            raise InputError(f"`decay` must be above 0 and at most 1. Got {decay}")
        self.n_tasks, self.decay = n_tasks, decay
        self._weight = 1.0  # of the next batch; grows by 1/decay instead of shrinking the counts
        self._n_batches = 0
        self._means = torch.zeros(2, n_tasks)  # weighted sum of margins, weighted number of labels
        self._counts = torch.zeros(_N_BLOCKS, 2 * n_tasks, 2 * n_tasks)

    @torch.no_grad()
    def update(
        self, margins: Float[Tensor, "batch task"], label_mask: Bool[Tensor, "batch task"]
    ) -> None:
        """Fold one batch in.

        Args:
            margins: Error of each sample for each task, 0 or more; any value where unlabelled.
            label_mask: True where the sample has a label of the task.

        Raises:
            ShapeError: If the two do not both have the shape ``(batch, n_tasks)``.
        """
        if margins.shape != label_mask.shape or margins.shape[1:] != (self.n_tasks,):
            raise ShapeError(
                f"`margins` and `label_mask` must both be (batch, {self.n_tasks}). "
                f"Got {tuple(margins.shape)} and {tuple(label_mask.shape)}"
            )
        self.fold(*self.batch_counts(margins, label_mask))

    @torch.no_grad()
    def batch_counts(
        self, margins: Float[Tensor, "batch task"], label_mask: Bool[Tensor, "batch task"]
    ) -> tuple[Float[Tensor, "2 task"], Float[Tensor, "two_task two_task"]]:
        """What one batch adds, before weighting; sums over samples, so ranks may add theirs up.

        Returns:
            Sum of margins and number of labels per task; and the products of the signs
            (+1 difficult, −1 easy, 0 unlabelled) and of the label mask over all pairs.
        """
        self._follow(margins)
        mask = label_mask.to(margins.dtype)
        signs = torch.where(margins >= self._threshold(), mask, -mask)
        both = torch.cat([signs, mask], dim=1)
        products = both.T @ both
        sums = torch.where(label_mask, margins, 0.0).sum(0)
        return torch.stack([sums, products.diagonal()[self.n_tasks :]]), products

    @torch.no_grad()
    def fold(
        self,
        sums: Float[Tensor, "2 task"],
        products: Float[Tensor, "two_task two_task"],
    ) -> None:
        """Add the counts of one batch, which `batch_counts` gave (summed over ranks)."""
        self._means.add_(sums, alpha=self._weight)
        self._counts[self._n_batches % _N_BLOCKS].add_(products, alpha=self._weight)
        self._n_batches += 1
        self._weight /= self.decay
        if self._weight > _LARGEST_WEIGHT:
            self._means /= self._weight
            self._counts /= self._weight
            self._weight = 1.0

    def matrix(self) -> Float[Tensor, "task task"]:
        """The paper's affinity: share of samples on which two tasks agree, in [0, 1].

        Symmetric, 1 on the diagonal; NaN where no sample had both labels.
        """
        return _agreement(self._counts.sum(0), self.n_tasks)

    def corrected(self) -> Float[Tensor, "task task"]:
        r"""Affinity with chance agreement taken out, in [0, 1]; 1/2 means unrelated.

        With the agreement *A* and the agreement *C* that independent tasks of the same rates of
        difficult samples would show, :math:`\tfrac12 (1 + (A - C) / (1 - C))`, floored at 0.
        Symmetric, 1 on the diagonal; NaN where no sample had both labels.
        """
        return _corrected(self._counts.sum(0), self.n_tasks)

    def resampled(
        self, weights: Float[Tensor, " block"], *, corrected: bool
    ) -> Float[Tensor, "task task"]:
        """The affinity from blocks of batches drawn anew.

        Args:
            weights: How often each of the ten blocks was drawn.
            corrected: Whether to take chance agreement out.
        """
        counts = torch.tensordot(weights.to(self._counts), self._counts, dims=1)
        return (_corrected if corrected else _agreement)(counts, self.n_tasks)

    @property
    def n_blocks(self) -> int:
        """Number of blocks that `resampled` draws from."""
        return _N_BLOCKS

    @property
    def n_batches(self) -> int:
        """Number of batches folded in so far."""
        return self._n_batches

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to go on, as tensors."""
        progress = torch.tensor([self._n_batches, self._weight], dtype=torch.float64)
        return {"means": self._means, "counts": self._counts, "progress": progress}

    def load_state_dict(self, state: dict[str, Tensor]) -> "ErrorMarginAffinity":
        """Take over what `state_dict` gave."""
        self._means, self._counts = state["means"].clone(), state["counts"].clone()
        n_batches, self._weight = state["progress"].tolist()
        self._n_batches = int(n_batches)
        return self

    def _threshold(self) -> Float[Tensor, " task"]:
        # Before the first label of a task its threshold is 0: everything counts as difficult.
        return self._means[0] / self._means[1].clamp(min=torch.finfo(self._means.dtype).tiny)

    def _follow(self, margins: Tensor) -> None:
        if self._counts.device != margins.device or self._counts.dtype != margins.dtype:
            self._means = self._means.to(margins)
            self._counts = self._counts.to(margins)


def _parts(counts: Tensor, n_tasks: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sum of sign products, sum of the row task's signs, and number, over samples with both."""
    return counts[:n_tasks, :n_tasks], counts[:n_tasks, n_tasks:], counts[n_tasks:, n_tasks:]


def _agreement(counts: Tensor, n_tasks: int) -> Tensor:
    products, _, number = _parts(counts.double(), n_tasks)
    return _tidy((1 + products / number) / 2)


def _corrected(counts: Tensor, n_tasks: int) -> Tensor:
    products, signs, number = _parts(counts.double(), n_tasks)
    agreement = (1 + products / number) / 2
    rate = (1 + signs / number) / 2  # rate[i, j]: difficult for i, among samples with i and j
    chance = rate * rate.T + (1 - rate) * (1 - rate.T)
    # Two tasks that are each always easy or always difficult agree by chance alone: unrelated.
    kappa = torch.where(chance < 1 - 1e-9, (agreement - chance) / (1 - chance), 0 * chance)
    return _tidy(((1 + kappa) / 2).clamp(min=0))


def _tidy(affinity: Tensor) -> Tensor:
    symmetric = ((affinity + affinity.T) / 2).clamp(0, 1)
    labelled = ~symmetric.diagonal().isnan()
    diagonal = torch.where(labelled, 1.0, float("nan"))
    return symmetric.diagonal_scatter(diagonal.to(symmetric))
