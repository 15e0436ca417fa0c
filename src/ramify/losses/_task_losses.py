"""The losses of all tasks of a batch in a few stacked operations, whatever their kinds."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from ramify._core import ShapeError
from ramify.losses._by_kind import KIND_LOSSES
from ramify.losses._kind_loss import KindLoss
from ramify.tasks import TaskSet


class TaskLosses(nn.Module):
    """Losses, margins and predictions of a set of tasks from one matrix of outputs.

    Tasks of one kind are treated together, so the number of operations depends on the number of
    kinds, not of tasks. A task's loss is the mean over its own labels in the batch; a task
    without a label in the batch has loss 0 and no gradient. What has a line of its own, a row or a
    position within it, is a matter of the data (see `ramify.data.Units`): here each is for itself.

    Args:
        tasks: The tasks.
        class_weights: For each task, the weight of a positive (binary) label; None for 1.

    Example:
        >>> import torch
        >>> from ramify.tasks import Binary, Regression, Task, TaskSet
        >>> tasks = TaskSet([Task("toxic", Binary()), Task("mass", Regression())])
        >>> losses = TaskLosses(tasks)
        >>> mask = torch.tensor([[True, False], [True, False]])
        >>> losses(torch.zeros(2, 2), torch.zeros(2, 2), mask)
        tensor([0.6931, 0.0000])
    """

    class_weights: Tensor | None
    shares: Tensor

    def __init__(self, tasks: TaskSet, class_weights: Float[Tensor, " task"] | None = None) -> None:
        super().__init__()
        self.tasks = tasks
        self._blocks: list[_Block] = []
        for kind, build in KIND_LOSSES.items():
            places = tasks.of_kind(kind)
            if places:
                block = _Block(tasks, places, build.of([tasks[i] for i in places]))
                self._blocks.append(block)
                self.add_module(f"block_{len(self._blocks)}", block)
        order = torch.cat([block.get_buffer("places") for block in self._blocks]).argsort()
        self.register_buffer("order", order, persistent=False)
        shares = torch.tensor([t.weight / len(tasks) for t in tasks])
        self.register_buffer("shares", shares, persistent=False)
        self.register_buffer("class_weights", class_weights, persistent=False)

    def forward(
        self,
        outputs: Float[Tensor, "unit column"],
        targets: Float[Tensor, "unit task"],
        label_mask: Bool[Tensor, "unit task"],
        pairs: Int64[Tensor, "2 pair"] | None = None,
    ) -> Float[Tensor, " task"]:
        """Mean loss of each task over its own labels; 0 for a task without one.

        Args:
            outputs: Of the network.
            targets: The labels; anything valid where there is none.
            label_mask: True where there is a label.
            pairs: For tasks that compare rows, the rows of one group with each other, as
                `ramify.data.pairs_within` gives them; None if all rows are one group.

        Raises:
            ShapeError: If the shapes do not fit the tasks.
        """
        totals, weights = self.sums(outputs, targets, label_mask, pairs)
        return self.means(totals, weights)

    def sums(
        self,
        outputs: Float[Tensor, "unit column"],
        targets: Float[Tensor, "unit task"],
        label_mask: Bool[Tensor, "unit task"],
        pairs: Int64[Tensor, "2 pair"] | None = None,
        label_weights: Float[Tensor, "unit task"] | None = None,
    ) -> tuple[Float[Tensor, " task"], Float[Tensor, " task"]]:
        """Sum of each task's weighted losses over its labels, and the sum of their weights.

        Both may be added up over parts of a batch on several ranks before dividing, as long as
        no group of rows that are compared is divided.

        Args:
            outputs: As for a call.
            targets: As for a call.
            label_mask: As for a call.
            pairs: As for a call.
            label_weights: How much each label counts beside the others of its task; None for all
                alike.
        """
        self._check(outputs, targets, label_mask)
        weights = label_mask.to(outputs.dtype)
        if label_weights is not None:
            weights = weights * label_weights
        class_weights = self.class_weights
        if class_weights is not None:
            weights = weights * torch.where(targets >= 0.5, class_weights, 1.0)
        parts = [block.sums(outputs, targets, weights, pairs) for block in self._blocks]
        totals, counts = zip(*parts, strict=True)
        return self._joined(totals), self._joined(counts)

    def means(
        self, totals: Float[Tensor, " task"], weights: Float[Tensor, " task"]
    ) -> Float[Tensor, " task"]:
        """Mean loss of each task; 0 without a gradient where the weights are 0.

        Args:
            totals: Sums of losses, as `sums` gives them.
            weights: Sums of their weights.
        """
        # Not a tiny weight in the place of 0: a task's own weight times its inverse may overflow.
        return totals / torch.where(weights > 0, weights, 1.0)

    def total(self, per_task: Float[Tensor, " task"]) -> Float[Tensor, ""]:
        """The number to minimise: the mean over tasks of weight × loss."""
        return per_task.dot(self.shares)

    @torch.no_grad()
    def margins(
        self,
        outputs: Float[Tensor, "unit column"],
        targets: Float[Tensor, "unit task"],
        label_mask: Bool[Tensor, "unit task"],
        pairs: Int64[Tensor, "2 pair"] | None = None,
    ) -> tuple[Float[Tensor, "unit task"], Bool[Tensor, "unit task"]]:
        """Error margin of each sample for each task; meaningless where the mask is False.

        Returns:
            The margins, and a mask: the label mask, without samples whose margin depends on
            others and that have none to be compared with.
        """
        parts = [block.margins(outputs, targets, label_mask, pairs) for block in self._blocks]
        margins, masks = zip(*parts, strict=True)
        return self._joined(margins), self._joined(masks)

    @torch.no_grad()
    def predictions(self, outputs: Float[Tensor, "unit column"]) -> Float[Tensor, "unit column"]:
        """Probabilities, or values in the target's own unit, in the columns of the outputs.

        Of float64 if there are any values in a unit of their own.
        """
        if (
            len(self._blocks) == 1
            and (values := self._blocks[0].whole_predictions(outputs)) is not None
        ):
            return values
        exact = any(block.by_kind.in_own_unit for block in self._blocks)
        result = torch.empty_like(outputs, dtype=torch.float64 if exact else None)
        for block in self._blocks:
            block.write_predictions(outputs, result)
        return result

    def _joined(self, parts: Sequence[Tensor]) -> Tensor:
        # One kind of task: its tasks are all tasks, in order.
        if len(parts) == 1:
            return parts[0]
        return torch.cat(tuple(parts), dim=-1).index_select(-1, self.get_buffer("order"))

    def _check(self, outputs: Tensor, targets: Tensor, label_mask: Tensor) -> None:
        n_rows, n_tasks = len(outputs), len(self.tasks)
        if outputs.shape == (
            n_rows,
            self.tasks.n_columns,
        ) and targets.shape == label_mask.shape == (n_rows, n_tasks):
            return
        raise ShapeError(
            f"`outputs` must be (unit, {self.tasks.n_columns}), `targets` and `label_mask` "
            f"(unit, {n_tasks}). Got {tuple(outputs.shape)}, {tuple(targets.shape)} and "
            f"{tuple(label_mask.shape)}"
        )


class _Block(nn.Module):
    """The tasks of one kind: where their outputs and targets stand, and their loss.

    Tasks with fewer outputs than the widest repeat their last column as padding.
    """

    def __init__(self, tasks: TaskSet, places: tuple[int, ...], by_kind: KindLoss) -> None:
        super().__init__()
        self.by_kind = by_kind
        sizes = torch.tensor([tasks[i].kind.n_outputs for i in places])
        starts = torch.tensor([tasks.first_columns[i] for i in places])
        offsets = torch.arange(int(sizes.max()))[None, :]
        columns = starts[:, None] + offsets.minimum(sizes[:, None] - 1)
        self.register_buffer("columns", columns, persistent=False)
        self.register_buffer("real", offsets < sizes[:, None], persistent=False)
        self.register_buffer("places", torch.tensor(places), persistent=False)
        # All tasks have one output each: their columns are the matrix itself.
        self._all = len(places) == len(tasks)
        self._whole = self._all and len(tasks) == tasks.n_columns

    def sums(
        self, outputs: Tensor, targets: Tensor, weights: Tensor, pairs: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        own = self._outputs(outputs)
        return self.by_kind.sums(own, self._targets(targets, own), self._own(weights), pairs)

    def margins(
        self, outputs: Tensor, targets: Tensor, label_mask: Tensor, pairs: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        own = self._outputs(outputs)
        return self.by_kind.margins(own, self._targets(targets, own), self._own(label_mask), pairs)

    def whole_predictions(self, outputs: Tensor) -> Tensor | None:
        """Predictions of tasks that are all there are, with an output each; else None."""
        return self.by_kind.prediction(outputs.unsqueeze(-1)).squeeze(-1) if self._whole else None

    def write_predictions(self, outputs: Tensor, result: Tensor) -> None:
        real = self.get_buffer("real")
        values = self.by_kind.prediction(self._outputs(outputs))
        result[:, self.get_buffer("columns")[real]] = values[:, real].to(result.dtype)

    def _outputs(self, outputs: Tensor) -> Tensor:
        return outputs.unsqueeze(-1) if self._whole else outputs[:, self.get_buffer("columns")]

    def _targets(self, targets: Tensor, outputs: Tensor) -> Tensor:
        own = self._own(targets)
        return own if self.by_kind.in_own_unit else own.to(outputs.dtype)

    def _own(self, per_task: Tensor) -> Tensor:
        return per_task if self._all else per_task.index_select(1, self.get_buffer("places"))
