"""The copies of a weighting that one network's training needs, and what they remember."""

import copy
from collections.abc import Mapping
from typing import Generic, TypeVar

from torch import Tensor

from ramify.tasks import TaskSet
from ramify.training._checkpoint import under_prefix, with_prefix
from ramify.weighting import Periodic, Remembering, Weighting

Rule = TypeVar("Rule", bound=Weighting)


class Rules(Generic[Rule]):
    """One copy of a weighting for each place where tasks, or branches, are weighed.

    Args:
        rule: The weighting; left as it is.
        weighed: For each place, what is weighed there; for branches, a task of each.
    """

    def __init__(self, rule: Rule, weighed: Mapping[str, TaskSet]) -> None:
        self._weighed = weighed
        self._rules = {place: copy.deepcopy(rule) for place in weighed}

    def __getitem__(self, place: str) -> Rule:
        """The copy for a place."""
        return self._rules[place]

    def start(self, seed: int) -> None:
        """Forget everything.

        Args:
            seed: Random seed.
        """
        for place, rule in self._remembering().items():
            rule.start(self._weighed[place], seed)

    def end_epoch(self) -> None:
        """Tell those that want to know that an epoch is over."""
        every: list[object] = list(self._rules.values())
        for rule in every:
            if isinstance(rule, Periodic):
                rule.end_epoch()

    def state_tensors(self) -> dict[str, Tensor]:
        """The tensors that all of them need to go on."""
        return {
            name: tensor
            for place, rule in self._remembering().items()
            for name, tensor in with_prefix(place, rule.state_tensors()).items()
        }

    def load_state_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_tensors` gave."""
        for place, rule in self._remembering().items():
            rule.load_state_tensors(under_prefix(place, state))

    def _remembering(self) -> dict[str, Remembering]:
        every: dict[str, object] = dict(self._rules)
        return {place: rule for place, rule in every.items() if isinstance(rule, Remembering)}
