"""What numbers of layers, channels and pixels must be."""

import numpy as np

from ramify._core import InputError


def check_counts(name: str, *numbers: object) -> None:
    """Check whole numbers from 1 up.

    Args:
        name: Of their argument.
        *numbers: The numbers.

    Raises:
        InputError: If one is none.
    """
    for number in numbers:
        is_whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not (is_whole and int(number) >= 1):  # type: ignore[call-overload]
            raise InputError(f"`{name}` must be a whole number of at least 1. Got {number!r}")
