"""What a step's backward pass shows of the features that tasks share."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class HeadGradients:
    """The gradients that the tasks' heads pass back to the features, in two factors.

    Attributes:
        outputs: Of the outputs; 0 where unlabelled.
        head_weights: As they were in the step.
        task_of_column: For each output, the place of its task.
        label_mask: True where the row has a label of the task.
        total: All-reduce: the sum of a tensor over ranks.
    """

    outputs: Float[Tensor, "batch column"]
    head_weights: Float[Tensor, "column feature"]
    task_of_column: Int[Tensor, " column"]
    label_mask: Bool[Tensor, "batch task"]
    total: Callable[[Tensor], Tensor]
