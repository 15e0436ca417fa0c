"""From an affinity of tasks to a partition, a tree, and the path of all trees. No torch here.

`choose_grouping` decides one stage, `sharing_path` all stages for every trade-off α at once,
`group_stability` says how far to trust the result, `known_share` and `unknown_pairs` what it rests
on.
`Similarity` and `Variance` group tasks by the distances of their gradients (`factor_distances`);
`Shuffled`, `together` and `apart` are the controls.
`best_partitions`, `partitions_by_pairs` and `best_cover` choose by what networks on groups of tasks
really scored (`TrialScores`).
"""

from ramify.grouping._by_trial import (
    MOST_EXACT,
    TrialScores,
    best_cover,
    best_partitions,
    pair_gains,
    partitions_by_pairs,
    score_of,
)
from ramify.grouping._choice import (
    UNIT_COST,
    GroupingChoice,
    Option,
    choose_grouping,
    clarity,
    grouping_options,
    separation_cost,
)
from ramify.grouping._conditions import (
    Condition,
    Shuffled,
    Similarity,
    Variance,
    apart,
    check_condition,
    groups_by,
    medoids,
    together,
)
from ramify.grouping._evidence import (
    contrasted,
    factor_distances,
    has_evidence,
    known_share,
    unknown_pairs,
)
from ramify.grouping._path import (
    SharingPath,
    SharingStep,
    StageCost,
    sharing_path,
    tree_of_widths,
)
from ramify.grouping._stability import group_stability

__all__ = [
    "MOST_EXACT",
    "UNIT_COST",
    "Condition",
    "GroupingChoice",
    "Option",
    "SharingPath",
    "SharingStep",
    "Shuffled",
    "Similarity",
    "StageCost",
    "TrialScores",
    "Variance",
    "apart",
    "best_cover",
    "best_partitions",
    "check_condition",
    "choose_grouping",
    "clarity",
    "contrasted",
    "factor_distances",
    "group_stability",
    "grouping_options",
    "groups_by",
    "has_evidence",
    "known_share",
    "medoids",
    "pair_gains",
    "partitions_by_pairs",
    "score_of",
    "separation_cost",
    "sharing_path",
    "together",
    "tree_of_widths",
    "unknown_pairs",
]
