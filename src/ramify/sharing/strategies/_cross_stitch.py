"""Cross-stitch and sluice networks: one network per task, with units between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ramify._core import InputError, check_number, checked
from ramify.networks import (
    Backbone,
    BranchedNetwork,
    StitchedNetwork,
    Stitching,
    TaskNetwork,
    stacked_layers,
)
from ramify.penalties import subspace_overlap
from ramify.sharing._protocols import Coupling
from ramify.sharing.strategies._separate_networks import (
    Pretraining,
    check_pretrain_epochs,
    separate,
)
from ramify.tasks import TaskSet


@checked
@dataclass(frozen=True)
class CrossStitch(Pretraining):
    r"""One network per task; after each stage every network goes on with a mixture of all.

    .. math:: \tilde x_i = \sum_j \alpha_{ij} x_j

    The weights start convex, ``self_weight`` for the task itself, and are learned with a multiple of the
    learning rate and without decay. The paper's multiple of 100 to 1000 is for plain gradient
    descent; with Adam, whose steps have one size, 10 is much already.

    Attributes:
        self_weight: Share of a task's own features at the start, in [0, 1].
        stages: After which stages, from 0 at the input; None for all.
        per_channel: Whether every channel has weights of its own.
        rate: Multiple of the learning rate; 0 keeps the weights as they start.
        pretrain_epochs: Epochs in which separate networks are trained before they are stitched together,
            which the paper found best; 0 for none.

    Raises:
        InputError: If a setting is out of range.

    References:
        Misra, Shrivastava, Gupta, Hebert. *Cross-stitch Networks for Multi-task Learning*, CVPR
        2016.

    Example:
        >>> CrossStitch(per_channel=True).name
        'cross-stitch'
    """

    name = "cross-stitch"
    label = "separate networks that mix each other's features"
    network = StitchedNetwork
    renamed: ClassVar[Mapping[str, str]] = {**Pretraining.renamed, "own": "self_weight"}

    self_weight: float = 0.9
    stages: tuple[int, ...] | None = None
    per_channel: bool = False
    rate: float = 10.0
    pretrain_epochs: int = 0

    def __post_init__(self) -> None:
        """Check every setting."""
        check_pretrain_epochs(self.pretrain_epochs)
        self._stitching()

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> TaskNetwork:
        """The stitched networks, or the separate ones that are trained first.

        Raises:
            InputError: If a stage does not exist.
        """
        columns = separate(backbone, tasks, n_features)
        stitched = self.converted(columns)
        return columns if self.pretrain_epochs and len(tasks) > 1 else stitched

    def converted(self, network: TaskNetwork) -> StitchedNetwork:
        """The separate networks, stitched together."""
        assert isinstance(network, BranchedNetwork)  # what `build` made
        return StitchedNetwork(network, self._stitching())

    def _stitching(self) -> Stitching:
        return Stitching(
            self_weight=self.self_weight,
            stages=self.stages,
            per_channel=self.per_channel,
            rate=self.rate,
        )


@checked
@dataclass(frozen=True)
class Sluice(Pretraining, Coupling):
    r"""One network per task; parts of their layers are stitched, and heads read all stages.

    The channels of each layer are divided into subspaces, and the units mix those of all tasks;
    each task's head reads a mixture of its network's stages; and a penalty keeps the filters of
    different subspaces orthogonal. With one subspace and the last stage alone it is a cross-stitch
    network.

    Attributes:
        n_subspaces: Parts of each layer; they divide its width.
        self_weight: Share of a subspace's own features at the start, in [0, 1].
        stages: After which stages there are units, from 0 at the input; None for all.
        mixes_stages: Whether heads read all stages that are as wide as the last.
        last: Share of the last stage there at the start; None for equal shares.
        overlap: Strength of the orthogonality, 0 or more; see `subspace_overlap`.
        rate: Multiple of the learning rate of all mixing weights.
        pretrain_epochs: Epochs in which separate networks are trained first; 0 for none.

    Raises:
        InputError: If a setting is out of range.

    References:
        Ruder, Bingel, Augenstein, Søgaard. *Latent Multi-task Architecture Learning*, AAAI 2019.
    """

    name = "sluice"
    label = "separate networks that mix parts of each other's layers"
    network = StitchedNetwork
    renamed: ClassVar[Mapping[str, str]] = {**Pretraining.renamed, "own": "self_weight"}

    n_subspaces: int = 2
    self_weight: float = 0.9
    stages: tuple[int, ...] | None = None
    mixes_stages: bool = True
    last: float | None = None
    overlap: float = 0.01
    rate: float = 10.0
    pretrain_epochs: int = 0

    def __post_init__(self) -> None:
        """Check every setting."""
        check_pretrain_epochs(self.pretrain_epochs)
        check_number("overlap", self.overlap)
        self._stitching()

    def build(
        self, backbone: Backbone, tasks: TaskSet, n_features: int | None = None
    ) -> TaskNetwork:
        """The stitched networks, or the separate ones that are trained first.

        Raises:
            InputError: If a stage does not exist, or the subspaces do not divide a layer.
        """
        columns = separate(backbone, tasks, n_features)
        self._check_widths(columns)
        stitched = self.converted(columns)
        return columns if self.pretrain_epochs and len(tasks) > 1 else stitched

    def converted(self, network: TaskNetwork) -> StitchedNetwork:
        """The separate networks, stitched together."""
        assert isinstance(network, BranchedNetwork)  # what `build` made
        return StitchedNetwork(network, self._stitching())

    @property
    def ties(self) -> bool:
        """The network itself says what belongs together."""
        return False

    def penalty(
        self, network: TaskNetwork, n_labels: float, loss: Float[Tensor, ""]
    ) -> Float[Tensor, ""] | None:
        """The overlap of subspaces."""
        if self.overlap == 0 or self.n_subspaces == 1 or len(network.tasks) == 1:
            return None
        layers = stacked_layers(network)
        terms = [subspace_overlap(layer.weight, self.n_subspaces) for layer in layers]
        return self.overlap * torch.stack(terms).sum()

    def after_step(self, network: TaskNetwork, rate: float, n_labels: float) -> None:
        """Nothing."""

    def coupling_tensors(self) -> dict[str, Tensor]:
        """None."""
        return {}

    def load_coupling_tensors(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to take over."""

    def _check_widths(self, columns: BranchedNetwork) -> None:
        for layer in stacked_layers(columns):
            width = layer.weight.shape[1]
            if width % self.n_subspaces:
                raise InputError(
                    f"`n_subspaces` must divide the width of every layer. Got {self.n_subspaces} "
                    f"for a width of {width}"
                )

    def _stitching(self) -> Stitching:
        return Stitching(
            self_weight=self.self_weight,
            stages=self.stages,
            n_subspaces=self.n_subspaces,
            mixes_stages=self.mixes_stages,
            last=self.last,
            rate=self.rate,
        )
