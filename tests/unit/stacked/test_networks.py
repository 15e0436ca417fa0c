"""Stacked perceptrons are each what they would be alone."""

import pytest
import torch
from torch.testing import assert_close

from ramify._core import InputError
from ramify.stacked import StackedMLP

WIDTHS = [[], [5], [5, 5], [4, 6]]


@pytest.mark.parametrize("widths", WIDTHS)
def test_each_network_is_what_it_would_be_alone(widths: list[int]) -> None:
    networks = StackedMLP(3, 4, widths, 2)
    with torch.no_grad():
        for each in networks.parameters():
            each.normal_()
    rows = torch.randn(7, 4)
    together = networks(rows)
    for m in range(3):
        alone = StackedMLP(1, 4, widths, 2)
        alone.load_state_dict({n: t[m : m + 1] for n, t in networks.state_dict().items()})
        assert_close(together[m], alone(rows)[0])
    assert_close(together, networks(rows.expand(3, 7, 4)))


@pytest.mark.parametrize("widths", WIDTHS)
def test_it_knows_how_many_numbers_it_holds(widths: list[int]) -> None:
    networks = StackedMLP(3, 4, widths, 2)
    n_members, n_inputs, n_columns, found = networks.sizes
    assert (n_members, n_inputs, n_columns, list(found)) == (3, 4, 2, widths)
    held = sum(each.numel() for each in networks.parameters())
    assert StackedMLP.numbers(n_members, n_inputs, n_columns, found) == held
    assert {id(p) for part in networks.decayed() for p in part} == {
        id(p) for p in networks.parameters()
    }


def test_untrained_ones_predict_the_start() -> None:
    networks = StackedMLP(2, 4, [8], 2, start=torch.tensor([0.5, -1.0]))
    assert_close(networks(torch.randn(3, 4)), torch.tensor([0.5, -1.0]).expand(2, 3, 2))


def test_sizes_must_be_counts() -> None:
    with pytest.raises(InputError, match="widths"):
        StackedMLP(2, 4, [0], 2)
