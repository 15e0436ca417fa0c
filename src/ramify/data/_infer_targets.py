"""What kind of task each target column is."""

from collections.abc import Mapping, Sequence

from ramify._core import InputError, listed
from ramify.data._bad_cells import check_numbers
from ramify.data._classes import kind_of
from ramify.data._profile import profiles
from ramify.data._stated_kinds import StatedKind, stated_kinds
from ramify.data._table import Table
from ramify.data._values import number_values, text_values
from ramify.tasks import Task, TaskSet


def infer_tasks(
    table: Table, targets: Sequence[str], kinds: Mapping[str, StatedKind]
) -> tuple[TaskSet, list[str]]:
    """Find the kind of each task.

    Returns:
        The tasks in the order of `targets`, and warnings.

    Raises:
        InputError: If a target cannot be learned from, or `kinds` does not fit.
    """
    stated = stated_kinds(targets, kinds)
    found = profiles(table, targets, count=targets)
    for name, profile in found.items():
        check_numbers(table, name, profile, " or say --kind NAME=multiclass")
    if all(profile.present == 0 for profile in found.values()):
        raise InputError(
            f"at least one target must have labels. {listed(targets)} are empty in all rows; "
            "check --targets"
        )
    texts = text_values(table, [name for name in targets if not found[name].all_numbers])
    tasks, warnings = [], []
    for name in targets:
        labels = texts.get(name) or number_values(found[name])
        wanted = stated.get(name, table.levels.get(name))
        kind, warning = kind_of(name, found[name], labels, wanted)
        tasks.append(Task(name, kind))
        warnings += [warning] if warning else []
    return TaskSet(tasks), warnings
