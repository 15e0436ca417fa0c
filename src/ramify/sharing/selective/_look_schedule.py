"""When selective sharing looks at the gradients, which of them count, and when it has seen enough."""

from typing import Final

import torch
from torch import Tensor

from ramify._core import check_count
from ramify.sharing._protocols import Moment

_IDLE_LOOKS: Final = 2
# With fewer, unrelated tasks look alike, as simple functions do at first.
_ENOUGH_STEPS: Final = 150


class LookSchedule:
    """Looks every so often, until two in a row change nothing.

    Args:
        interval: Steps between two looks; None for the end of the first epoch after 150 steps, or
            after a quarter of a training that is shorter than 600.
        warm_up: Steps before the first gradient counts.
        window: At most so many steps, from the warm-up or the look before, whose gradients count;
            None for all.
        max_regroupings: At most so many looks; None for no limit.

    Attributes:
        settled: Whether no look follows.

    Raises:
        InputError: If a number is out of range.
    """

    def __init__(
        self,
        *,
        interval: int | None,
        warm_up: int,
        window: int | None,
        max_regroupings: int | None,
    ) -> None:
        limits = {"interval": interval, "window": window, "max_regroupings": max_regroupings}
        for name, value in limits.items():
            if value is not None:
                check_count(name, value)
        check_count("warm_up", warm_up, 0)
        self._interval, self._warm_up, self._window = interval, warm_up, window
        self._max_looks = max_regroupings
        self.start(settled=False)

    def start(self, *, settled: bool) -> None:
        """Begin a training.

        Args:
            settled: Whether there is nothing to look at.
        """
        self._n_idle, self._n_looks, self._since, self.settled = 0, 0, self._warm_up, settled

    def counts(self, step: int) -> bool:
        """Whether the gradients of a step count."""
        if self.settled or step < self._since:
            return False
        return self._window is None or step < self._since + self._window

    def steps_between(self, steps_per_epoch: int) -> int:
        """Steps after which it may be time, again and again."""
        return self._interval or steps_per_epoch

    def is_time(self, moment: Moment) -> bool:
        """Whether to look now."""
        if self.settled or moment.step <= self._warm_up:
            return False
        if self._interval is not None or moment.is_last:
            return True
        return moment.step - self._since >= min(_ENOUGH_STEPS, moment.n_steps // 4)

    def looked(self, step: int, *, changed: bool, settles: bool) -> None:
        """Take note of a look.

        Args:
            step: Steps that are done.
            changed: Whether it changed the groups.
            settles: Whether the groups are to stay as they are now.
        """
        self._since = step
        self._n_looks += 1
        self._n_idle = 0 if changed else self._n_idle + 1
        is_last = self._n_idle == _IDLE_LOOKS or self._n_looks == self._max_looks
        self.settled = settles or is_last

    def state(self) -> Tensor:
        """All that it needs to go on."""
        return torch.tensor([self._n_idle, self._n_looks, self._since, self.settled])

    def load_state(self, state: Tensor) -> None:
        """Take over what `state` gave."""
        self._n_idle, self._n_looks, self._since, settled = state.tolist()
        self.settled = bool(settled)
