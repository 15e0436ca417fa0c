"""What numbers of layers, channels and pixels must be."""

import numpy as np

from ramify._core import InputError


def check_counts(**numbers: object) -> None:
    """Check whole numbers from 1 up, each under the name of its argument.

    Raises:
        InputError: If one is none.
    """
    for name, number in numbers.items():
        is_whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not (is_whole and int(number) >= 1):  # type: ignore[call-overload]
            raise InputError(f"`{name}` must be a whole number of at least 1. Got {number!r}")
