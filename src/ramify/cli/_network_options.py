"""What the command line says of networks and their training, for every verb that trains them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ramify.cli._backbones import BackboneName, build_spec
from ramify.cli._by_data import decay_of
from ramify.cli._sources import Data
from ramify.cli._words import widths_in
from ramify.data import ImageData
from ramify.networks import BackboneSpec, MLPSpec
from ramify.training import Training
from ramify.weighting import Weighting


@dataclass(frozen=True)
class NetworkOptions:
    """The stages of a network.

    Attributes:
        backbone: The network's stages: mlp, cnn, vgg16, resnet18 or resnet34; by default mlp for
            tables, vgg16 for pictures. A cnn is small: three convolutions and a dense layer.
        width: Width of a thin vgg16 (32 by default; 0 for the full one), of a resnet's first stage (64
            by default) or of a cnn's (8 by default).
        start_from: Trained network whose filters are selected for the start (a wider one is thinned):
            directory of a run with one shared network on inputs of the same shape, or file of
            torchvision's weights.
        hidden: Width of each stage of an mlp, comma separated.
        dropout: Share of hidden units dropped in training.
        input_dropout: Share of inputs dropped in training.
    """

    backbone: BackboneName | None = None
    width: int | None = None
    start_from: Path | None = None
    hidden: str | list[int] = "256,256"
    dropout: float = 0.6
    input_dropout: float = 0.1

    def spec(self, data: Data) -> BackboneSpec:
        """The backbone.

        Args:
            data: What it is for.

        Raises:
            InputError: If an option does not fit it.
        """
        return build_spec(
            self.backbone,
            self.width,
            MLPSpec(widths_in(self.hidden), self.dropout, self.input_dropout),
            of_images=isinstance(data, ImageData),
        )


@dataclass(frozen=True)
class TrainingOptions:
    """How a network is trained, and on what.

    Attributes:
        learning_rate: Highest step size.
        weight_decay: Decoupled decay of the weights; by default 2 for tables, 0.05 for pictures.
        patience: Stop after so many epochs without a better validation score.
        balance: Whether rare positives weigh as much as the negatives.
        exact_gradients: Whether weightings that look at gradients take those of all shared
            parameters, one backward pass per task, in place of those at the shared features.
        device: auto, cpu or cuda.
        precision: 32-true or bf16-mixed.
        checkpoint_seconds: Least time between two saved states of a training.
    """

    learning_rate: float = 1e-3
    weight_decay: float | None = None
    patience: int | None = None
    balance: bool = False
    exact_gradients: bool = False
    device: str = "auto"
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    checkpoint_seconds: float = 10.0

    def training(self, epochs: int, weighting: Weighting, data: Data) -> Training:
        """The training.

        Args:
            epochs: Passes over the training rows.
            weighting: How tasks are weighed against each other.
            data: What is learned from.

        Raises:
            InputError: If a number is out of range.
        """
        return Training(
            epochs=epochs,
            learning_rate=self.learning_rate,
            weight_decay=decay_of(self.weight_decay, data),
            patience=self.patience,
            balance=self.balance,
            weighting=weighting,
            exact_gradients=self.exact_gradients,
        )
