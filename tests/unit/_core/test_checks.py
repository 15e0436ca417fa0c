from math import inf, nan

import numpy as np
import pytest

from ramify._core import InputError, check_count, check_number

NO_NUMBERS = [None, "3", True, np.bool_(1), [1], 1j, np.ones(2), nan, inf, -inf, 10**400]


@pytest.mark.parametrize("value", [0, 2, 0.5, np.float32(0.5), np.int64(2)])
def test_numbers_of_any_library_are_numbers(value: float) -> None:
    found = check_number("alpha", value, most=2)
    assert (type(found), found) == (float, float(value))


@pytest.mark.parametrize("value", [*NO_NUMBERS, -0.1, 2.1], ids=str)
def test_what_is_no_number_in_the_range_is_told_in_one_line(value: object) -> None:
    said = r"^`alpha` must be a finite number of at least 0 and at most 2\. Got .*$"
    with pytest.raises(InputError, match=said):
        check_number("alpha", value, most=2)


def test_an_open_end_is_left_out() -> None:
    assert check_number("alpha", 1e-300, open_end=True) == 1e-300
    with pytest.raises(InputError, match=r"`alpha` must be a finite number above 0\. Got 0$"):
        check_number("alpha", 0, open_end=True)


@pytest.mark.parametrize("value", [inf, 10**400], ids=["inf", "long"])
def test_a_number_is_finite_also_where_nothing_else_bounds_it(value: float) -> None:
    with pytest.raises(InputError, match=r"`alpha` must be a finite number of at least 0\. Got"):
        check_number("alpha", value)


@pytest.mark.parametrize("value", [1, np.int64(7), 10**400])
def test_whole_numbers_are_counts(value: int) -> None:
    assert check_count("width", value) == value


@pytest.mark.parametrize("value", [*NO_NUMBERS[:-1], 0, -1, 2.0, 2.5], ids=str)
def test_what_is_no_count_is_told_in_one_line(value: object) -> None:
    with pytest.raises(
        InputError, match=r"^`width` must be a whole number of at least 1\. Got .*$"
    ):
        check_count("width", value)
