from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.references import somp as reference
from torch import Tensor

from ramify._core import InputError, ShapeError
from ramify.networks import somp


def gaussian(n: int = 40, f: int = 27, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, f, generator=generator, dtype=torch.float64)


def rank(r: int) -> Tensor:
    return gaussian(40, r) @ gaussian(r, 60, seed=1)


def with_copies() -> Tensor:
    filters = gaussian(20, 30)
    return torch.cat([filters, filters.flip(0), -2 * filters])


def with_dead_filters() -> Tensor:
    filters = gaussian()
    filters[::3] = 0
    return filters


HOSTILE: dict[str, Callable[[], Tensor]] = {
    "more filters than weights": gaussian,
    "more weights than filters": lambda: gaussian(30, 200),
    "rank 5": lambda: rank(5),
    "nearly rank 5": lambda: rank(5) + 1e-4 * gaussian(40, 60, seed=2),
    "copies and multiples": with_copies,
    "dead filters": with_dead_filters,
    "orthogonal, all equal": lambda: torch.eye(12, dtype=torch.float64),
    "long and short": lambda: gaussian() * torch.logspace(-4, 4, 40).double()[:, None],
    "one filter": lambda: gaussian(1, 5),
    "one weight": lambda: gaussian(7, 1),
    "trained in single precision": lambda: gaussian(64, 576).float(),
}
every_case = pytest.mark.parametrize("build", HOSTILE.values(), ids=HOSTILE)


@every_case
def test_selects_what_least_squares_at_every_step_selects(build: Callable[[], Tensor]) -> None:
    filters = build()
    expected = reference.somp(filters.numpy(), len(filters))
    assert somp(filters, len(filters)).tolist()[: len(expected)] == expected


@every_case
def test_fills_up_with_unused_filters_when_all_are_spanned(build: Callable[[], Tensor]) -> None:
    filters = build()
    found = [somp(filters, len(filters), generator=torch.Generator().manual_seed(3))] * 2
    assert sorted(found[0].tolist()) == list(range(len(filters)))
    assert torch.equal(found[0], found[1])


@pytest.mark.parametrize("r", [2, 11, 23])
def test_the_places_that_are_left_follow_the_generator(r: int) -> None:
    drawn = [somp(rank(r), 30, generator=torch.Generator().manual_seed(s)) for s in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0][:r], drawn[2][:r])
    assert drawn[0][r] != drawn[2][r]  # not what rounding left of the residual


@pytest.mark.parametrize("seed", range(8))
def test_the_first_index_wins_where_only_rounding_differs(seed: int) -> None:
    filters, normal = gaussian(20, 30, seed), gaussian(1, 30, seed=99)
    mirrored = filters - 2 * filters @ normal.T @ normal / normal.square().sum()
    assert somp(torch.cat([mirrored, filters]), 1).item() < 20
    assert somp(torch.cat([filters, mirrored]), 1).item() < 20


@pytest.mark.parametrize("r", [1, 4, 11])
def test_as_many_filters_as_the_rank_explain_all(r: int) -> None:
    filters = rank(r).numpy()
    assert reference.error(filters, somp(torch.tensor(filters), r).tolist()) < 1e-10


def test_a_selection_begins_like_a_shorter_one_and_explains_more() -> None:
    longest = somp(gaussian(64), 27).tolist()
    errors = []
    for n in range(1, 28):
        assert somp(gaussian(64), n).tolist() == longest[:n]
        errors.append(reference.error(gaussian(64).numpy(), longest[:n]))
    assert np.all(np.diff(errors) <= 1e-12)


def test_is_better_than_the_best_of_many_random_subsets() -> None:
    filters = gaussian(64, 27).numpy()
    random = np.random.default_rng(0)
    draws = [reference.error(filters, random.permutation(64)[:12].tolist()) for _ in range(200)]
    assert reference.error(filters, somp(torch.tensor(filters), 12).tolist()) <= min(draws)


def test_scaling_all_filters_changes_nothing() -> None:
    assert torch.equal(somp(1e-6 * gaussian(), 20), somp(gaussian(), 20))


def test_renaming_filters_renames_the_selection() -> None:
    order = torch.randperm(40)
    assert torch.equal(order[somp(gaussian()[order], 20)], somp(gaussian(), 20))


@pytest.mark.boundary
@pytest.mark.parametrize("n_select", [0, 41])
def test_refuses_more_filters_than_there_are(n_select: int) -> None:
    with pytest.raises(InputError, match=f"`n_select` must be from 1 to 40. Got {n_select}"):
        somp(gaussian(), n_select)


def test_refuses_weights_that_are_not_finite() -> None:
    filters = gaussian()
    filters[3, 4] = float("nan")
    with pytest.raises(InputError, match="`filters` must be finite"):
        somp(filters, 3)


def test_a_convolutions_weight_must_be_flattened_first() -> None:
    with pytest.raises(ShapeError, match=r"Got \(8, 3, 3, 3\); flatten\(1\)"):
        somp(torch.zeros(8, 3, 3, 3), 2)
