"""Affinity of tasks from their gradients at the features that they share."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ramify._core import check_count, check_number, checked
from ramify.affinity._factors import factors_of_gram
from ramify.affinity._pair_counts import N_BLOCKS, check_pairs_fit

_LARGEST_WEIGHT = 1e12


@checked
class FeatureGradientAffinity:
    r"""Streaming cosines between the tasks' gradients at the features that their heads read.

    Row *n* of task *i* pulls the features along :math:`d_i^n w_i`, the gradient at the task's output
    times the weights of its head (summed over the outputs of a task with several). Over the rows
    that are labelled for both tasks,

    .. math:: C(i, j) = \frac{\sum_n \langle d_i^n w_i, d_j^n w_j \rangle}
              {\sqrt{\sum_n \|d_i^n w_i\|^2 \sum_n \|d_j^n w_j\|^2}},

    and `cosine` is :math:`\tfrac12 (1 + C)`: 1 where both always want the same of the features, 1/2
    where they have nothing to do with each other, 0 where they are opposed. `factors` takes the
    cosines of the tasks' loadings instead, in the few directions that carry most of the gradients.
    A task whose target is another's negative has the opposite head, so the two count as alike.

    All of it comes from products of the outputs' gradient, which the backward pass has at hand, and
    of the heads: no gradient at the features is formed, and no task is passed back by itself. Sums
    decay by ``decay`` per batch. Batches are dealt in turn to ten blocks, so that `resampled` can
    redraw the evidence.

    Args:
        n_tasks: Number of tasks.
        decay: Factor per batch of what was summed before, in (0, 1].
        energy: Share of the gradients that `factors` keeps, in (0, 1].

    Raises:
        InputError: If an argument is out of range, or there is not the memory for so many pairs.

    References:
        Strezoski, van Noord, Worring, ICMR 2019, for gradients that are factorised; the gradients
        at the features and this affinity are ours.

    Example:
        >>> import torch
        >>> affinity = FeatureGradientAffinity(n_tasks=2)
        >>> gradients = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])
        >>> heads, every = torch.tensor([[1.0, 0.0], [0.6, 0.8]]), torch.ones(2, 2) > 0
        >>> affinity.fold(affinity.batch_sums(gradients, heads, torch.arange(2), every))
        >>> affinity.cosine()
        tensor([[1.0000, 0.8000],
                [0.8000, 1.0000]], dtype=torch.float64)
    """

    def __init__(self, n_tasks: int, decay: float = 0.99, *, energy: float = 0.9) -> None:
        self.n_tasks = check_count("n_tasks", n_tasks)
        self.decay = check_number("decay", decay, most=1, open_end=True)
        self.energy = check_number("energy", energy, most=1, open_end=True)
        check_pairs_fit(n_tasks)
        self._weight = 1.0  # of the next batch; grows by 1/decay instead of shrinking the sums
        self._n_batches = 0
        self._sums = torch.zeros(N_BLOCKS, 2, n_tasks, n_tasks)

    @torch.no_grad()
    def batch_sums(
        self,
        output_gradients: Float[Tensor, "batch column"],
        head_weights: Float[Tensor, "column feature"],
        task_of_column: Int[Tensor, " column"],
        label_mask: Bool[Tensor, "batch task"],
    ) -> Float[Tensor, "2 task task"]:
        """What one batch adds, before weighting; sums over rows, so ranks may add theirs up.

        Args:
            output_gradients: Of the tasks' losses; 0 where unlabelled.
            head_weights: All heads read the same features.
            task_of_column: For each output, the place of its task.
            label_mask: True where the row has a label of the task.

        Returns:
            The inner products over all pairs; and the squared lengths of the row's task over the
            rows that are labelled for the column's.
        """
        heads = head_weights @ head_weights.T
        products = (output_gradients.T @ output_gradients) * heads
        if len(task_of_column) == self.n_tasks:
            squares = output_gradients.square() * heads.diagonal()
        else:
            products = self._by_task(self._by_task(products, task_of_column).T, task_of_column)
            own = heads * (task_of_column[:, None] == task_of_column)
            rows = (output_gradients @ own) * output_gradients
            squares = self._by_task(rows.T, task_of_column).T
        return torch.stack([products, squares.T @ label_mask.to(squares)])

    @torch.no_grad()
    def fold(self, sums: Float[Tensor, "2 task task"]) -> None:
        """Add the sums of one batch, which `batch_sums` gave (summed over ranks)."""
        if self._sums.device != sums.device or self._sums.dtype != sums.dtype:
            self._sums = self._sums.to(sums)
        self._sums[self._n_batches % N_BLOCKS].add_(sums, alpha=self._weight)
        self._n_batches += 1
        self._weight /= self.decay
        if self._weight > _LARGEST_WEIGHT:
            self._sums /= self._weight
            self._weight = 1.0

    def cosine(self) -> Float[Tensor, "task task"]:
        """Affinity by the cosines; symmetric, 1 on the diagonal, NaN for pairs never seen."""
        return _half(_cosines(self._sums.sum(0)))

    def factors(self) -> Float[Tensor, "task task"]:
        """Affinity by the cosines of the tasks' loadings in the strongest factors, NaN likewise."""
        return self._of_loadings(self._sums.sum(0))

    def resampled(
        self, weights: Float[Tensor, " block"], *, factors: bool
    ) -> Float[Tensor, "task task"]:
        """The affinity from blocks of batches redrawn.

        Args:
            weights: How often each of the ten blocks was drawn.
            factors: Whether to take the loadings' cosines.
        """
        sums = torch.tensordot(weights.to(self._sums), self._sums, dims=1)
        return self._of_loadings(sums) if factors else _half(_cosines(sums))

    @property
    def n_blocks(self) -> int:
        """Number of blocks that `resampled` draws from."""
        return N_BLOCKS

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to go on, as tensors."""
        progress = torch.tensor([self._n_batches, self._weight], dtype=torch.float64)
        return {"sums": self._sums, "progress": progress}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> "FeatureGradientAffinity":
        """Take over what `state_dict` gave."""
        self._sums = state["sums"].clone()
        n_batches, self._weight = state["progress"].tolist()
        self._n_batches = int(n_batches)
        return self

    def _by_task(self, rows: Tensor, task_of_column: Tensor) -> Tensor:
        return rows.new_zeros(self.n_tasks, rows.shape[1]).index_add_(0, task_of_column, rows)

    def _of_loadings(self, sums: Tensor) -> Tensor:
        cosines = _cosines(sums)
        found = factors_of_gram(cosines.nan_to_num(0.0).cpu().numpy(), self.energy)
        loadings = torch.from_numpy(found.loadings).to(cosines)
        between = (loadings @ loadings.T).clamp(-1, 1)
        between.fill_diagonal_(1.0)
        return _half(between.masked_fill(cosines.isnan(), float("nan")))


def _cosines(sums: Tensor) -> Tensor:
    products, squares = sums.double().unbind(0)
    return _tidy(products / (squares * squares.T).sqrt())


def _tidy(cosines: Tensor) -> Tensor:
    symmetric = ((cosines + cosines.T) / 2).clamp(-1, 1)
    seen = ~symmetric.diagonal().isnan()
    diagonal = torch.where(seen, 1.0, float("nan"))
    return symmetric.diagonal_scatter(diagonal.to(symmetric))


def _half(cosines: Tensor) -> Tensor:
    return (1 + cosines) / 2
