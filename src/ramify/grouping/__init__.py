"""From an affinity of tasks to a partition, a tree, and the path of all trees. No torch here.

`choose_grouping` decides one stage, `sharing_path` all stages for every trade-off α at once,
`group_stability` says how far to trust the result.
"""

from ramify.grouping._choice import (
    UNIT_COST,
    GroupingChoice,
    Option,
    choose_grouping,
    grouping_options,
    separation_cost,
)
from ramify.grouping._clarity import clarity
from ramify.grouping._contrast import contrasted
from ramify.grouping._path import (
    SharingPath,
    SharingStep,
    StageCost,
    sharing_path,
    tree_of_widths,
)
from ramify.grouping._stability import group_stability

__all__ = [
    "UNIT_COST",
    "GroupingChoice",
    "Option",
    "SharingPath",
    "SharingStep",
    "StageCost",
    "choose_grouping",
    "clarity",
    "contrasted",
    "group_stability",
    "grouping_options",
    "separation_cost",
    "sharing_path",
    "tree_of_widths",
]
