"""One regrouping of tasks during training, as data."""

from typing import Annotated

from pydantic import Field, model_validator

from ramify.records._part import Part

Distance = Annotated[float, Field(ge=0)] | None


class Regrouping(Part):
    """One look at the gradients of the tasks' estimators, and what was merged or divided for it.

    Attributes:
        step: Step of training at which it happened, from 1.
        epoch: Epoch in which it happened, from 1.
        tasks: Names, in the order of the rows below.
        distances: Distances of the tasks' factor loadings; symmetric, 0 on the diagonal. None where
            one of the two had no label since the last look, or only labels that are all the same.
        loadings: Per task, its coordinates on the factors, strongest factor first.
        energy: Per factor, its share of the gradients' energy, in [0, 1].
        before: Groups of tasks before.
        groups: Groups of tasks after.
        keepers: Per group after, the task whose estimator the group goes on with.
        parameters_before: Trainable numbers of the network before.
        parameters: Trainable numbers of the network after.
    """

    step: int
    epoch: int
    tasks: list[str]
    distances: list[list[Distance]]
    loadings: list[list[float]]
    energy: list[float]
    before: list[list[str]]
    groups: list[list[str]]
    keepers: list[str]
    parameters_before: int
    parameters: int

    @model_validator(mode="after")
    def _sizes_agree(self) -> "Regrouping":
        n = len(self.tasks)
        if {len(self.distances), *map(len, self.distances)} != {n} or len(self.loadings) != n:
            raise ValueError("distances and loadings must have one row per task")
        if {len(row) for row in self.loadings} != {len(self.energy)}:
            raise ValueError("loadings must have one column per factor")
        for groups in (self.before, self.groups):
            if sorted(name for group in groups for name in group) != sorted(self.tasks):
                raise ValueError("groups must hold every task once")
        if len(self.keepers) != len(self.groups):
            raise ValueError("there must be one keeper per group")
        return self
