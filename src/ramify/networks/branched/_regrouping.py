"""Which branches go on when the tasks of a network are grouped anew."""

from collections.abc import Sequence

from ramify._core import InputError, listed, quoted
from ramify.tasks import SharingTree


def sources_of(before: SharingTree, after: SharingTree, keepers: Sequence[str]) -> list[list[int]]:
    """For each stage, for each of its new groups, the index of the old group that goes on.

    Args:
        before: The old tree.
        after: The new one.
        keepers: One task of each group of the new tree's last stage, in the order of the groups.

    Raises:
        InputError: If the trees are over other tasks or stages, a keeper is not of its group, or
            keepers of different branches of a stage would have to share it.

    Example:
        >>> one_each = SharingTree(("a", "b"), ((("a", "b"),), (("a",), ("b",))))
        >>> sources_of(one_each, SharingTree.shared("ab", 2), ["b"])
        [[0], [1]]
    """
    if after.tasks != before.tasks or after.n_stages != before.n_stages:
        raise InputError(
            f"`tree` must be over the network's {len(before.tasks)} tasks and {before.n_stages} "
            f"stages. Got {len(after.tasks)} and {after.n_stages}"
        )
    _check_keepers(after, keepers)
    place = {name: i for i, name in enumerate(before.tasks)}
    places = [place[name] for name in keepers]
    return [_sources(before, after, stage, places) for stage in range(before.n_stages)]


def _sources(
    before: SharingTree, after: SharingTree, stage: int, keepers: Sequence[int]
) -> list[int]:
    old, new = before.assignment(stage), after.assignment(stage)
    found: list[set[int]] = [set() for _ in after.stages[stage]]
    for keeper in keepers:
        found[new[keeper]].add(int(old[keeper]))
    if max(map(len, found)) > 1:
        raise InputError(
            f"`tree` joins branches of stage {stage} that several keepers need; divide that stage, "
            f"or name keepers of one branch. Got {listed([before.tasks[k] for k in keepers])}"
        )
    return [one for (one,) in found]


def _check_keepers(tree: SharingTree, keepers: Sequence[str]) -> None:
    groups = tree.stages[-1]
    if len(keepers) != len(groups):
        raise InputError(f"`keepers` must be one task per group, {len(groups)}. Got {len(keepers)}")
    for keeper, group in zip(keepers, groups, strict=True):
        if keeper not in group:
            raise InputError(
                f"`keepers` must be in the order of the groups. Got {quoted(keeper)} for the group "
                f"of {listed(group)}"
            )
