"""Several multilayer perceptrons of one shape, whose weights lie in one tensor per layer."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ramify._core import check_count


class StackedMLP(nn.Module):
    r"""Perceptrons side by side: every layer of all of them is one batched product.

    A stage is :math:`\operatorname{dropout}(\operatorname{ReLU}(\operatorname{norm}(W x + b)))` with
    layer normalisation; where a stage is as wide as the one before it, its input is added to its output.
    One linear layer gives the outputs of all tasks. Weights of the last layer start at 0, so that a
    network that has learned nothing predicts what ``start`` says.

    Args:
        n_members: Number of networks.
        n_inputs: Width of a row.
        widths: Of the hidden stages.
        n_columns: Number of outputs.
        dropout: Share of hidden units dropped in training.
        input_dropout: Share of inputs dropped in training.
        start: Outputs before training ``(column,)``; 0 by default.

    Example:
        >>> networks = StackedMLP(3, 4, [8], 2)
        >>> networks(torch.zeros(5, 4)).shape
        torch.Size([3, 5, 2])
    """

    def __init__(
        self,
        n_members: int,
        n_inputs: int,
        widths: Sequence[int],
        n_columns: int,
        *,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        start: Tensor | None = None,
    ) -> None:
        super().__init__()
        sizes = {"n_members": n_members, "n_inputs": n_inputs, "n_columns": n_columns}
        for name, size in [*sizes.items(), *(("widths", width) for width in widths)]:
            check_count(name, size)
        self.widths, self.dropout, self.input_dropout = tuple(widths), dropout, input_dropout
        self.weights, self.biases, self.gains, self.shifts = (nn.ParameterList() for _ in range(4))
        before = n_inputs
        for width in widths:
            spread = before**-0.5
            self.weights.append(nn.Parameter(torch.randn(n_members, before, width) * spread))
            self.biases.append(nn.Parameter(torch.zeros(n_members, 1, width)))
            self.gains.append(nn.Parameter(torch.ones(n_members, 1, width)))
            self.shifts.append(nn.Parameter(torch.zeros(n_members, 1, width)))
            before = width
        self.head = nn.Parameter(torch.zeros(n_members, before, n_columns))
        level = torch.zeros(n_columns) if start is None else start.float()
        self.level = nn.Parameter(level.repeat(n_members, 1, 1))

    @property
    def sizes(self) -> tuple[int, int, int, tuple[int, ...]]:
        """Number of networks, of inputs and of outputs, and the widths."""
        n_members, _, n_columns = self.head.shape
        n_inputs = self.weights[0].shape[1] if self.widths else self.head.shape[1]
        return n_members, n_inputs, n_columns, self.widths

    @staticmethod
    def numbers(n_members: int, n_inputs: int, n_columns: int, widths: Sequence[int]) -> int:
        """How many numbers networks of these sizes hold."""
        before, found = n_inputs, 0
        for width in widths:
            found += before * width + 3 * width
            before = width
        return n_members * (found + before * n_columns + n_columns)

    def decayed(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The weights, which decay, and all other parameters, which do not."""
        weights = [*self.weights, self.head]
        return weights, [*self.biases, *self.gains, *self.shifts, self.level]

    def forward(
        self, inputs: Float[Tensor, "*member row input"]
    ) -> Float[Tensor, "member row column"]:
        """Outputs of every network.

        Args:
            inputs: Rows that all get to see, or rows for each network.
        """
        x = functional.dropout(inputs, self.input_dropout, self.training)
        before = 0
        for weight, bias, gain, shift in zip(
            self.weights, self.biases, self.gains, self.shifts, strict=True
        ):
            width = bias.shape[-1]
            hidden = functional.layer_norm(_affine(x, weight, bias), (width,))
            hidden = functional.relu(torch.addcmul(shift, hidden, gain))
            hidden = functional.dropout(hidden, self.dropout, self.training)
            x = x + hidden if width == before else hidden
            before = width
        return _affine(x, self.head, self.level)


def _affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    if x.ndim == 3:
        return torch.baddbmm(bias, x, weight)
    # One wide product instead of one per network: the rows are the same for all.
    n_members, n_inputs, width = weight.shape
    wide = x @ weight.permute(1, 0, 2).reshape(n_inputs, n_members * width)
    return wide.view(len(x), n_members, width).transpose(0, 1) + bias
