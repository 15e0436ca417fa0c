"""What numbers of layers, channels and pixels must be."""

from ramify._core import check_count


def check_counts(name: str, *numbers: object) -> None:
    """Check whole numbers from 1 up.

    Args:
        name: Of their argument.
        *numbers: The numbers.

    Raises:
        InputError: If one is none.
    """
    for number in numbers:
        check_count(name, number)
