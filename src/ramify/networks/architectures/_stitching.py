"""Where the networks of several tasks are stitched together, and how."""

from dataclasses import dataclass, fields
from math import isfinite

from ramify._core import InputError, Setting


@dataclass(frozen=True)
class Stitching:
    """Where the networks of the tasks are stitched together, and how.

    Attributes:
        own: Share of its own features that each stream starts with, in [0, 1].
        stages: After which stages, from 0 at the input; None for all.
        per_channel: Whether every channel has weights of its own.
        n_subspaces: Equal parts of each task's channels that are stitched like tasks.
        mixes_stages: Whether the heads read a mixture of all stages that are as wide as the last.
        last: Share of the last stage in that mixture at the start; None for equal shares.
        rate: Multiple of the learning rate for all these weights; 0 keeps them as they start.

    Raises:
        InputError: If a setting is out of range, or subspaces are stitched channel by channel.
    """

    own: float = 0.9
    stages: tuple[int, ...] | None = None
    per_channel: bool = False
    n_subspaces: int = 1
    mixes_stages: bool = False
    last: float | None = None
    rate: float = 10.0

    def __post_init__(self) -> None:
        """Check every setting."""
        for name, share in (("own", self.own), ("last", self.last)):
            if share is not None and not 0 <= share <= 1:
                raise InputError(f"`{name}` must be in [0, 1]. Got {share}")
        if not (isfinite(self.rate) and self.rate >= 0):
            raise InputError(f"`rate` must be finite and 0 or more. Got {self.rate}")
        if self.n_subspaces < 1:
            raise InputError(f"`n_subspaces` must be 1 or more. Got {self.n_subspaces}")
        if self.per_channel and self.n_subspaces > 1:
            raise InputError("`per_channel` and `n_subspaces` exclude each other; give one of them")

    @property
    def couples(self) -> bool:
        """Whether a network can ever see another one's features."""
        return self.own < 1 or self.rate > 0

    def places(self, n_tasks: int, n_stages: int) -> list[int]:
        """The stages after which networks of so many tasks and stages are stitched.

        Raises:
            InputError: If one does not exist.
        """
        every = range(n_stages) if self.stages is None else self.stages
        wrong = [i for i in every if not 0 <= i < n_stages]
        if wrong:
            raise InputError(f"`stages` must be from 0 to {n_stages - 1}. Got {wrong[0]}")
        return sorted(set(every)) if n_tasks > 1 else []

    def settings(self) -> dict[str, Setting]:
        """Every setting as a plain value."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
