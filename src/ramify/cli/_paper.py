"""What ``--paper`` stands for, and which options have no place beside it."""

from dataclasses import dataclass, replace
from typing import Final

from ramify._core import InputError, quoted
from ramify.cli._flags import flag
from ramify.cli._sharing_options import SharingOptions, owners_of_given
from ramify.networks import VGGSpec
from ramify.sharing import FullyAdaptive, Sharing
from ramify.training import Training

BATCH_SIZE: Final = 32
_ALPHA: Final = 2.0
_WIDTH: Final = 32
_INTERVAL: Final = 1000
_ITERATIONS: Final = 60_000


@dataclass(frozen=True)
class PaperOptions:
    """What the command line says beside ``--paper``.

    Attributes:
        sharing: Word for the way of sharing.
        backbone: Kind of the network's stages.
        width: Of the thin network; None for the paper's.
        iterations: Steps of the training; None for the paper's.
        weighting: Word for the weighting of losses.
        patience: Epochs without a better score until training stops; None for all.
        balance: Whether rare positives weigh more.
    """

    sharing: str
    backbone: str
    width: int | None
    iterations: int | None
    weighting: str
    patience: int | None
    balance: bool

    def check(self, options: SharingOptions) -> None:
        """Check that all that was said has a place beside ``--paper``.

        Args:
            options: What was said of a way of sharing.

        Raises:
            InputError: If not.
        """
        if self.backbone != "vgg16":
            raise InputError(
                f"--paper is for pictures and --backbone vgg16. Got {quoted(self.backbone)}; leave "
                "it out"
            )
        if self.sharing != "fully-adaptive":
            raise InputError(f"--paper is for --sharing fully-adaptive. Got {quoted(self.sharing)}")
        if self.width == 0:
            raise InputError(
                "--paper grows from a thin network. Got --width 0, the full one; leave it out"
            )
        own = replace(options, alpha=None, selective=replace(options.selective, interval=None))
        said = {
            **owners_of_given(own),
            **({"set": ""} if options.settings else {}),
            **({"weighting": ""} if self.weighting != "equal" else {}),
            **({"patience": ""} if self.patience is not None else {}),
            **({"balance": ""} if self.balance else {}),
        }
        if said:
            raise InputError(
                f"--paper does without {' and '.join(map(flag, said))}, as its authors' code does; "
                "leave one of them out"
            )

    def network(self) -> VGGSpec:
        """The paper's thin network, whose batch norms learn no scale and shift."""
        return VGGSpec(self.width or _WIDTH, affine=False)

    def growing(self, options: SharingOptions, seed: int) -> Sharing:
        """The paper's way of sharing.

        Args:
            options: What was said of it: alpha, and the steps between two tests for a split.
            seed: Of its random numbers.

        Raises:
            InputError: If a number is out of range.
        """
        alpha = _ALPHA if options.alpha is None else options.alpha
        interval = options.selective.interval
        return FullyAdaptive.paper(
            self.width or _WIDTH,
            alpha,
            interval=_INTERVAL if interval is None else interval,
            seed=seed,
        )

    def training(self) -> Training:
        """The paper's training.

        Raises:
            InputError: If a number is out of range.
        """
        steps = _ITERATIONS if self.iterations is None else self.iterations
        return Training.paper(iterations=steps, decay_every=max(1, steps // 3))


def check_without_paper(iterations: int | None) -> None:
    """Check that nothing was said that only ``--paper`` has.

    Raises:
        InputError: If it was.
    """
    if iterations is not None:
        raise InputError("--iterations is for --paper; use --epochs")
