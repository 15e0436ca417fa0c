"""What a user hands over, checked, and the rows of all tasks as one operator."""

from ramify.linear.inputs._arrays import Floats, Integers, Rows, inverse_or_zero, ratio
from ramify.linear.inputs._design import Design, SharedDesign, StackedDesign, centred, means_of
from ramify.linear.inputs._input import (
    Given,
    check_choice,
    check_fit_input,
    check_predict_input,
    check_size,
    checked_labels,
    index_of_tasks,
    is_missing,
    weights_of_tasks,
)

__all__ = [
    "Design",
    "Floats",
    "Given",
    "Integers",
    "Rows",
    "SharedDesign",
    "StackedDesign",
    "centred",
    "check_choice",
    "check_fit_input",
    "check_predict_input",
    "check_size",
    "checked_labels",
    "index_of_tasks",
    "inverse_or_zero",
    "is_missing",
    "means_of",
    "ratio",
    "weights_of_tasks",
]
