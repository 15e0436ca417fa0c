"""Groups of tasks by trial: networks on groups are really trained, many in one run, and graded."""

from ramify.trials._group_tasks import TaskGroups, TrialOptions, group_prepared, group_tasks

__all__ = ["TaskGroups", "TrialOptions", "group_prepared", "group_tasks"]
