"""Sums of each task's gradients over the steps, and what the tasks have in common in them."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ramify._core import InputError, ShapeError, check_count, checked, quoted
from ramify.affinity._factors import Factors, factors_of_gram


@checked
class CountSketch:
    r"""A random projection of vectors of any length to ``n_columns`` numbers.

    Entry *i* is added, times a random sign, to a random column. Inner products keep their mean, and

    .. math:: \mathrm{Var}\,\langle Sa, Sb \rangle
              = \tfrac1n \Bigl(\|a\|^2 \|b\|^2 + \langle a, b \rangle^2
                - 2 \sum_i a_i^2 b_i^2\Bigr) \le \tfrac2n \|a\|^2 \|b\|^2,

    so a cosine has a standard error of about :math:`\sqrt{2 / n}` at most: 0.022 for 4096 columns.
    One pass over the vectors, and 9 bytes per entry for the columns and signs.

    Args:
        n_columns: n.
        seed: Of the columns and signs, which are the same on every device.

    Raises:
        InputError: If ``n_columns`` is no whole number from 1 up.

    References:
        Charikar, Chen, Farach-Colton. *Finding frequent items in data streams*, 2002.

    Example:
        >>> import torch
        >>> CountSketch(16).of(torch.ones(2, 1000)).shape
        torch.Size([2, 16])
    """

    def __init__(self, n_columns: int, *, seed: int = 0) -> None:
        check_count("projection", n_columns)
        self.n_columns, self._seed = n_columns, seed
        self._columns = torch.zeros(0, dtype=torch.int64)
        self._signs = torch.zeros(0, dtype=torch.int8)

    def of(self, vectors: Float[Tensor, "row entry"]) -> Float[Tensor, "row column"]:
        """The vectors in ``n_columns`` numbers each."""
        if len(self._columns) != vectors.shape[1]:
            self._draw(vectors.shape[1])
        if self._columns.device != vectors.device:
            self._columns = self._columns.to(vectors.device)
            self._signs = self._signs.to(vectors.device)
        sketched = vectors.new_zeros(len(vectors), self.n_columns)
        return sketched.index_add_(1, self._columns, vectors * self._signs)

    def _draw(self, n_entries: int) -> None:
        generator = torch.Generator().manual_seed(self._seed)
        self._columns = torch.randint(self.n_columns, (n_entries,), generator=generator)
        signs = torch.randint(2, (n_entries,), generator=generator, dtype=torch.int8)
        self._signs = 2 * signs - 1


Accumulation = Literal["sum", "unit"]


def _to_unit(gradients: Tensor) -> Tensor:
    lengths = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)
    # A row of zeros stays one: 0 times whatever this gives is 0.
    scales: Tensor = lengths.clamp_(min=torch.finfo(lengths.dtype).tiny).reciprocal_()
    return scales


_SCALES: Mapping[Accumulation, Callable[[Tensor], Tensor]] = {
    "sum": lambda gradients: torch.ones_like(gradients[:, :1]),
    "unit": _to_unit,
}


@checked
class GradientFactors:
    r"""Streaming sums of the tasks' gradients, in bounded memory, and their factors.

    Each step adds a row per task: its gradient, :math:`G_t \mathrel{+}= g_t`, or the direction
    alone, :math:`G_t \mathrel{+}= g_t / \|g_t\|`, so that every step counts alike whatever the
    scale of the loss. `factors` then gives the few directions that the rows share. A task that a
    batch has no label of adds nothing.

    Rows are comparable only if they belong to the same place: estimators must start from the same
    weights, and **outputs at zero**. With random outputs the gradients of two estimators have
    nothing in common, however alike the tasks. With equal outputs, a task whose target is another's
    negative goes its own way. From zero, the outputs learn the sign and the order of classes, and
    the gradients of the estimators do not depend on them at all.

    The state has one row of ``n_parameters`` numbers per task, or of ``projection`` numbers: then
    the gradients go through a count sketch, which keeps each cosine up to a standard error of at
    most :math:`\sqrt{2 / \text{projection}}` (see `CountSketch`), whatever their length.

    The sums are exact over several ranks if each `update` gets the gradients of the whole
    batch: all-reduce them before.

    Args:
        n_tasks: Number of tasks.
        accumulate: ``"unit"`` for the gradients' directions, ``"sum"`` for themselves.
        projection: Numbers kept per task; None for all parameters.
        seed: Of the projection.

    Raises:
        InputError: If an argument is out of range.

    References:
        Strezoski, van Noord, Worring. *Learning Task Relatedness in Multi-Task Learning for Images
        in Context*, ICMR 2019.

    Example:
        >>> import torch
        >>> sums = GradientFactors(n_tasks=3)
        >>> gradients = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
        >>> sums.update(gradients, torch.tensor([True, True, True]))
        >>> sums.factors().loadings.round(6)
        array([[1., 0.],
               [1., 0.],
               [0., 1.]])
    """

    def __init__(
        self,
        n_tasks: int,
        *,
        accumulate: Accumulation = "unit",
        projection: int | None = None,
        seed: int = 0,
    ) -> None:
        check_count("n_tasks", n_tasks)
        if not (isinstance(accumulate, str) and accumulate in _SCALES):
            raise InputError(f'`accumulate` must be "unit" or "sum". Got {quoted(accumulate)}')
        self.n_tasks = n_tasks
        self._scale_of = _SCALES[accumulate]
        self._sketch = None if projection is None else CountSketch(projection, seed=seed)
        self._sums = torch.zeros(n_tasks, 0)

    @torch.no_grad()
    def update(
        self,
        gradients: Float[Tensor, "task parameter"],
        present: Bool[Tensor, " task"] | None = None,
    ) -> None:
        """Add one step's gradients.

        Args:
            gradients: Of each task's loss, flattened; any value where absent.
            present: Whether the batch had a label of the task; None where the gradients of absent
                tasks are 0, which is faster.

        Raises:
            ShapeError: If the shapes do not fit, or the number of parameters has changed.
        """
        if gradients.ndim != 2 or len(gradients) != self.n_tasks:
            raise ShapeError(
                f"`gradients` must be ({self.n_tasks}, parameter). Got {tuple(gradients.shape)}"
            )
        if present is not None and present.shape != (self.n_tasks,):
            raise ShapeError(f"`present` must be ({self.n_tasks},). Got {tuple(present.shape)}")
        rows = gradients if present is None else torch.where(present[:, None], gradients, 0.0)
        scales = self._scale_of(rows)
        if self._sketch is not None:
            rows = self._sketch.of(rows)
        if self._sums.shape[1] == 0:
            self._sums = torch.zeros_like(rows)
        if self._sums.shape != rows.shape:
            raise ShapeError(
                f"`gradients` must keep {self._sums.shape[1]} parameters until `reset`. "
                f"Got {rows.shape[1]}"
            )
        # In one pass: another matrix of this size takes longer to get than to fill.
        self._sums = self._sums.to(rows).addcmul_(rows, scales)

    def rows(self) -> Float[Tensor, "task number"]:
        """The sums themselves; those of the projection, if there is one."""
        return self._sums.clone()

    def gram(self) -> Float[Tensor, "task task"]:
        """Inner products of the sums, in float64."""
        sums = self._sums.double()
        return sums @ sums.T

    def factors(self, energy: float = 0.99) -> Factors:
        """The directions that carry ``energy`` of the rows, each row divided by its length.

        Raises:
            InputError: If ``energy`` is not in (0, 1], or a gradient was NaN or infinite.
        """
        return factors_of_gram(self.gram().cpu().numpy(), energy)

    def forget(self, rows: Bool[Tensor, " task"]) -> None:
        """Forget the gradients of some tasks, as if no batch had had a label of them.

        Args:
            rows: True for those tasks.
        """
        self._sums[rows.to(self._sums.device)] = 0

    def reset(self) -> None:
        """Forget all gradients; the next `update` may have another number of parameters."""
        self._sums = self._sums.new_zeros(self.n_tasks, 0)

    @property
    def n_bytes(self) -> int:
        """Bytes that the sums take."""
        return self._sums.numel() * self._sums.element_size()

    def state_dict(self) -> dict[str, Tensor]:
        """Everything needed to go on, as tensors."""
        return {"sums": self._sums}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> "GradientFactors":
        """Take over what `state_dict` gave.

        Raises:
            ShapeError: If it is of another number of tasks.
        """
        sums = state["sums"]
        if sums.ndim != 2 or len(sums) != self.n_tasks:
            raise ShapeError(f"`sums` must have {self.n_tasks} rows. Got shape {tuple(sums.shape)}")
        self._sums = sums.clone()
        return self
