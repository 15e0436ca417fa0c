"""Affinity of tasks from samples that are easy or difficult for both at once."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ramify._core import ShapeError, check_count, check_number, checked
from ramify.affinity._pair_counts import N_BLOCKS, PairCounts, Total, unpacked

_LARGEST_WEIGHT = 1e12
_ALL_ROWS_UP_TO = 1500


@checked
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

    Time and memory grow with the square of the number of tasks: up to 100 bytes a pair. Of more
    than 1500 tasks only every second, third, … row of a batch is looked at (one in T / 1500), so
    that counting does not take longer than training.

    Differences from the paper's code: samples without a label are left out (there they count as
    easy), and a batch counts by its number of samples (there every batch counts alike).

    Args:
        n_tasks: Number of tasks.
        decay: Factor per batch of what was counted before, in (0, 1].

    Raises:
        InputError: If ``n_tasks`` or ``decay`` is out of range, or there is not the memory.

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
        self.n_tasks = check_count("n_tasks", n_tasks)
        self.decay = check_number("decay", decay, most=1, open_end=True)
        self._weight = 1.0  # of the next batch; grows by 1/decay instead of shrinking the counts
        self._n_batches = 0
        self._means = torch.zeros(2, n_tasks)  # weighted sum of margins, weighted number of labels
        self._pairs = PairCounts(n_tasks)

    @torch.no_grad()
    def update(
        self,
        margins: Float[Tensor, "batch task"],
        label_mask: Bool[Tensor, "batch task"],
        total: Total | None = None,
    ) -> None:
        """Fold one batch in.

        Args:
            margins: Error of each sample for each task, 0 or more; any value where unlabelled.
            label_mask: True where the sample has a label of the task.
            total: Adds a tensor up over all ranks, each of which gives a part of the batch; None
                for one rank.

        Raises:
            ShapeError: If the two do not both have the shape ``(batch, n_tasks)``.
        """
        if margins.shape != label_mask.shape or margins.shape[1:] != (self.n_tasks,):
            raise ShapeError(
                f"`margins` and `label_mask` must both be (batch, {self.n_tasks}). "
                f"Got {tuple(margins.shape)} and {tuple(label_mask.shape)}"
            )
        # Every n-th row of a batch, which comes in random order: as good as any other.
        step = -(-self.n_tasks // _ALL_ROWS_UP_TO)
        margins, label_mask = margins[::step], label_mask[::step]
        margins = margins.to(torch.promote_types(margins.dtype, torch.float32))
        self._means = self._means.to(margins)
        self._pairs.to(margins)
        difficult = margins >= self._threshold()
        # Bytes are converted several times faster than truth values.
        labels = label_mask.view(torch.uint8).to(margins.dtype)
        if self._pairs.waits:
            signs = (difficult & label_mask).view(torch.int8).mul_(2)
            signs.sub_(label_mask.view(torch.int8))
        else:
            signs = torch.where(difficult, labels, -labels)
        self._pairs.add(signs, self._n_batches % N_BLOCKS, self._weight, total)
        # A margin that is no number counts as 0.
        known = margins.nan_to_num(0.0, 0.0, 0.0).mul_(labels)
        sums = torch.stack([known.sum(0), labels.sum(0)])
        self._means.add_(sums if total is None else total(sums), alpha=self._weight)
        self._n_batches += 1
        self._weight /= self.decay
        if self._weight > _LARGEST_WEIGHT:
            self._means /= self._weight
            self._pairs.divide(self._weight)
            self._weight = 1.0

    def matrix(self) -> Float[Tensor, "task task"]:
        """The paper's affinity: share of samples on which two tasks agree, in [0, 1].

        Symmetric, 1 on the diagonal; NaN where no sample had both labels.
        """
        return self.resampled(torch.ones(N_BLOCKS), corrected=False)

    def corrected(self) -> Float[Tensor, "task task"]:
        r"""Affinity with chance agreement taken out, in [0, 1]; 1/2 means unrelated.

        With the agreement *A* and the agreement *C* that independent tasks of the same rates of
        difficult samples would show, :math:`\tfrac12 (1 + (A - C) / (1 - C))`, floored at 0.
        Symmetric, 1 on the diagonal; NaN where no sample had both labels.
        """
        return self.resampled(torch.ones(N_BLOCKS), corrected=True)

    @torch.no_grad()
    def resampled(
        self, weights: Float[Tensor, " block"], *, corrected: bool
    ) -> Float[Tensor, "task task"]:
        """The affinity from blocks of batches redrawn.

        Args:
            weights: How often each of the ten blocks was drawn.
            corrected: Whether to take chance agreement out.
        """
        sums = self._pairs.of_blocks(weights)
        formula = _corrected if corrected else _agreement
        found = torch.empty(sums.shape[1:], dtype=torch.float64, device=sums.device)
        for rows, columns, parts in unpacked(sums):
            part = formula(*parts).clamp_(0, 1)
            found[rows, columns] = part
            found[columns, rows] = part.T
        labelled = ~found.diagonal().isnan()
        found.diagonal().copy_(torch.where(labelled, 1.0, float("nan")))
        return found

    @property
    def n_blocks(self) -> int:
        """Number of blocks that `resampled` draws from."""
        return N_BLOCKS

    @property
    def n_batches(self) -> int:
        """Number of batches folded in so far."""
        return self._n_batches

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to go on, as tensors."""
        progress = torch.tensor([self._n_batches, self._weight], dtype=torch.float64)
        return {"means": self._means, "progress": progress, **self._pairs.state_dict()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> "ErrorMarginAffinity":
        """Take over what `state_dict` gave, also before version 0.1 packed the counts.

        Raises:
            ShapeError: If it is of another number of tasks.
        """
        if state["means"].shape != self._means.shape:
            raise ShapeError(
                f"the affinity's state must be of {self.n_tasks} tasks. "
                f"Got one of {state['means'].shape[-1]}"
            )
        self._means = state["means"].clone()
        self._pairs.load_state_dict(state)
        n_batches, self._weight = state["progress"].tolist()
        self._n_batches = int(n_batches)
        return self

    def _threshold(self) -> Float[Tensor, " task"]:
        # Before the first label of a task its threshold is 0: everything counts as difficult.
        return self._means[0] / self._means[1].clamp(min=torch.finfo(self._means.dtype).tiny)


def _agreement(products: Tensor, _here: Tensor, _there: Tensor, number: Tensor) -> Tensor:
    return (1 + products / number) / 2


def _corrected(products: Tensor, here: Tensor, there: Tensor, number: Tensor) -> Tensor:
    agreement = (1 + products / number) / 2
    # How often the one is difficult, among samples with both.
    rate, other = (1 + here / number) / 2, (1 + there / number) / 2
    chance = rate * other + (1 - rate) * (1 - other)
    # Two tasks that are each always easy or always difficult agree by chance alone: unrelated.
    kappa = torch.where(chance < 1 - 1e-9, (agreement - chance) / (1 - chance), 0 * chance)
    return (1 + kappa) / 2
