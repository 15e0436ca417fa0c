"""Tensor factorisation: the stacked weights of all tasks come from a few factors."""

from dataclasses import dataclass
from typing import ClassVar

from ramify._core import InputError, checked, listed, quoted
from ramify.networks import (
    FORMS,
    Backbone,
    BranchedNetwork,
    FactorisedNetwork,
    TaskNetwork,
    ranks_of,
    spread,
)
from ramify.sharing.strategies._separate_networks import (
    Pretraining,
    check_pretrain_epochs,
    separate,
)
from ramify.tasks import TaskSet


@checked
@dataclass(frozen=True)
class Factorised(Pretraining):
    """One network per task; the weights of each layer are made from factors that tasks share.

    As in the paper, separate networks are trained first, and the ranks are the smallest with
    which factors make their weights up to a relative error. How much is shared is thus found for
    each layer; see `FactorisedNetwork.sharing_strength`. With ``pretrain_epochs=0`` the rank of the task
    axis has to be given, and the networks start from the backbone's weights, half noise.

    Attributes:
        form: ``laf`` (a mixture of bases), ``tucker`` or ``tt`` (tensor train).
        rank: Rank of the task axis: how many bases; None to find it by the error.
        error: Largest relative error of each layer's weights, in [0, 1). The paper's experiments
            have 0.1; networks that are trained for a few epochs only have ranks near the full
            ones up to that error, and 0.2 was better on planted data and no worse on real data.
        pretrain_epochs: Epochs in which separate networks are trained first; None for 4, or for a quarter of
            a training whose length follows from the data.

    Raises:
        InputError: If a setting is out of range, or neither ``pretrain_epochs`` nor ``rank`` is given.

    References:
        Yang, Hospedales. *Deep Multi-task Representation Learning: A Tensor Factorisation
        Approach*, ICLR 2017.

    Example:
        >>> Factorised(form="tt").settings()["error"]
        0.2
    """

    name = "factorised"
    label = "separate networks whose weights are made from common factors"
    network = FactorisedNetwork
    forms: ClassVar = {"": {"form": "laf"}, "tucker": {"form": "tucker"}, "tt": {"form": "tt"}}

    form: str = "laf"
    rank: int | None = None
    error: float = 0.2
    pretrain_epochs: int | None = None

    def __post_init__(self) -> None:
        """Check every setting."""
        check_pretrain_epochs(self.pretrain_epochs)
        if self.form not in FORMS:
            raise InputError(f"`form` must be one of {listed(FORMS)}. Got {quoted(self.form)}")
        if not 0 <= self.error < 1 or (self.rank is not None and self.rank < 1):
            raise InputError(
                f"`error` must be in [0, 1) and `rank` 1 or more. Got {self.error} and {self.rank}"
            )
        if self.pretrain_epochs == 0 and self.rank is None:
            raise InputError(
                "`rank` must be given with `pretrain_epochs=0`: untrained networks do not tell it. Got None"
            )

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> TaskNetwork:
        """The factorised networks, or the separate ones that are trained first.

        Raises:
            InputError: If a layer has no stacked form.
        """
        columns = separate(backbone, tasks, n_features)
        if self.pretrain_epochs != 0 and len(tasks) > 1:
            ranks_of(columns, self.form)  # or says what is in the way
            return columns
        return self.converted(spread(columns) if len(tasks) > 1 else columns)

    def converted(self, network: TaskNetwork) -> FactorisedNetwork:
        """The separate networks, with factors for weights."""
        assert isinstance(network, BranchedNetwork)  # what `build` made
        ranks = ranks_of(network, self.form, error=self.error, of_tasks=self.rank)
        return FactorisedNetwork(network, self.form, ranks)
