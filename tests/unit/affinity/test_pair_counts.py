"""Sums over pairs of many tasks: packed, in tiles, several batches at once."""

from math import isclose

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.affinity import ErrorMarginAffinity, _error_margin, _pair_counts
from ramify.affinity._pair_counts import N_BLOCKS, PairCounts, unpacked

MANY = 130  # batches of so many tasks wait
Sums = tuple[Tensor, Tensor, Tensor, Tensor]


def signs(n_rows: int = 16, *, seed: int = 0, n_tasks: int = MANY) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-1, 2, (n_rows, n_tasks), generator=generator, dtype=torch.int8)


def by_hand(batches: list[Tensor], weights: list[float]) -> Sums:
    """Sums of signs × signs, signs × labels, labels × signs and labels × labels in float64."""
    total = torch.zeros(4, MANY, MANY, dtype=torch.float64)
    for batch, weight in zip(batches, weights, strict=True):
        sign, label = batch.double(), batch.double().abs()
        products = [sign.T @ sign, sign.T @ label, label.T @ sign, label.T @ label]
        total += weight * torch.stack(products)
    return tuple(total)


def read(counts: PairCounts, times: Tensor | None = None) -> Sums:
    """The same four, from panels."""
    found = torch.full((4, counts.n_tasks, counts.n_tasks), float("nan"), dtype=torch.float64)
    every = torch.ones(N_BLOCKS) if times is None else times
    for rows, columns, (products, here, there, numbers) in unpacked(counts.of_blocks(every)):
        for place, part, mirrored in ((0, products, products), (3, numbers, numbers)):
            found[place, rows, columns], found[place, columns, rows] = part, mirrored.T
        found[1, rows, columns], found[1, columns, rows] = here, there.T
        found[2, rows, columns], found[2, columns, rows] = there, here.T
    return tuple(found)


def counted(batches: list[Tensor], weights: list[float]) -> PairCounts:
    counts = PairCounts(MANY)
    for n, (batch, weight) in enumerate(zip(batches, weights, strict=True)):
        counts.add(batch, n % N_BLOCKS, weight)
    return counts


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pair_counts, "_TILE", 48)


@pytest.mark.usefixtures("small_tiles")
def test_batches_of_one_weight_are_counted_exactly() -> None:
    batches, weights = [signs(seed=n) for n in range(37)], [2.0] * 37
    found = read(counted(batches, weights))
    for one, other in zip(found, by_hand(batches, weights), strict=True):
        assert_close(one, other, rtol=1e-6, atol=0)


@pytest.mark.parametrize("decay", [0.99, 0.9, 0.5])
def test_growing_weights_are_rounded_by_little(decay: float) -> None:
    """To 1/127 of the largest of those that wait together."""
    batches, weights = [signs(seed=n) for n in range(60)], [decay**-n for n in range(60)]
    largest = sum(weights) * 16 / 250
    found = read(counted(batches, weights))
    for one, other in zip(found, by_hand(batches, weights), strict=True):
        assert (one - other).abs().max() < largest


def test_both_kinds_of_products_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    batches, weights = [signs(seed=n) for n in range(60)], [0.99**-n for n in range(60)]
    found = []
    for in_bytes in (True, False):
        monkeypatch.setattr(_pair_counts, "_bytes_are_faster", lambda given=in_bytes: given)
        found.append(read(counted(batches, weights)))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def test_blocks_that_count_twice_or_not_at_all() -> None:
    batches, times = [signs(seed=n) for n in range(N_BLOCKS)], torch.zeros(N_BLOCKS)
    times[3], times[7] = 2, 1
    found = read(counted(batches, [1.0] * N_BLOCKS), times)
    for one, other in zip(found, by_hand([batches[3], batches[7]], [2.0, 1.0]), strict=True):
        assert_close(one, other)


def test_what_waits_is_bounded() -> None:
    counts, most = PairCounts(MANY), 0
    for n in range(800):
        counts.add(signs(128, seed=n), n % N_BLOCKS, 0.99**-n)
        most = max(most, counts.state_dict()["waiting"].numel())
    assert 0 < most <= N_BLOCKS * (2048 + 128) * MANY


@pytest.mark.parametrize("n_tasks", [400, 1000])
def test_a_pair_takes_100_bytes_at_most_and_20_mb_are_free(n_tasks: int) -> None:
    affinity = ErrorMarginAffinity(n_tasks)
    generator = torch.Generator().manual_seed(0)
    margins = torch.rand(128, n_tasks, generator=generator)
    every = torch.ones(128, n_tasks, dtype=torch.bool)
    for _ in range(2 * N_BLOCKS):
        affinity.update(margins, every)
    taken = sum(each.numel() * each.element_size() for each in affinity.state_dict().values())
    assert taken <= 100 * n_tasks**2 + 20e6


@pytest.mark.parametrize("stop", [1, 15, 37])
def test_going_on_from_the_state_is_going_on_bit_for_bit(stop: int) -> None:
    whole, before = ErrorMarginAffinity(MANY), ErrorMarginAffinity(MANY)
    after = ErrorMarginAffinity(MANY)
    for n in range(60):
        if n == stop:
            state = {name: tensor.clone() for name, tensor in before.state_dict().items()}
            after.load_state_dict(state)
        batch = margins(n)
        whole.update(*batch)
        (before if n < stop else after).update(*batch)
    assert torch.equal(after.corrected(), whole.corrected())


def margins(seed: int, n_tasks: int = MANY) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    common = torch.rand(64, 1, generator=generator)
    found = 0.5 * common + 0.5 * torch.rand(64, n_tasks, generator=generator)
    return found, torch.rand(64, n_tasks, generator=generator) < 0.7


def test_many_tasks_have_the_affinities_that_they_would_have_as_few() -> None:
    """Only the rounding of weights differs, and little."""
    many, few, some = ErrorMarginAffinity(MANY), ErrorMarginAffinity(20), torch.arange(20)
    for n in range(150):
        found, mask = margins(n)
        many.update(found, mask)
        few.update(found[:, some], mask[:, some])
    assert_close(many.corrected()[:20, :20], few.corrected(), rtol=0, atol=5e-4)


def test_of_very_many_tasks_every_nth_row_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, some = ErrorMarginAffinity(5), ErrorMarginAffinity(5)
    for n in range(20):
        found, mask = margins(n, 5)
        some.update(found[::3], mask[::3])
        with monkeypatch.context() as patch:
            patch.setattr(_error_margin, "_ALL_ROWS_UP_TO", 2)
            whole.update(found, mask)
    assert torch.equal(whole.corrected(), some.corrected())


@pytest.mark.parametrize("n_tasks", [5, MANY])
def test_a_state_from_before_sums_were_packed_is_still_read(n_tasks: int) -> None:
    old = {
        "means": torch.rand(2, n_tasks),
        "counts": torch.zeros(N_BLOCKS, 2 * n_tasks, 2 * n_tasks),
        "progress": torch.tensor([30.0, 1.2], dtype=torch.float64),
    }
    for block in range(N_BLOCKS):
        sign = signs(seed=block, n_tasks=n_tasks).float()
        both = torch.cat([sign, sign.abs()], dim=1)
        old["counts"][block] = both.T @ both
    total = old["counts"].sum(0).double()
    agreement = (1 + total[:n_tasks, :n_tasks] / total[n_tasks:, n_tasks:]) / 2
    affinity = ErrorMarginAffinity(n_tasks).load_state_dict(old)
    assert_close(affinity.matrix(), agreement.fill_diagonal_(1.0))
    assert affinity.n_batches == 30
    affinity.update(*margins(0, n_tasks))
    assert set(affinity.state_dict()) == {
        "means",
        "pairs",
        "progress",
        "waiting",
        "waiting_batches",
    }


def test_a_state_of_other_tasks_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"of 3 tasks\. Got one of 4"):
        ErrorMarginAffinity(3).load_state_dict(ErrorMarginAffinity(4).state_dict())


def test_more_pairs_than_fit_are_refused_before_anything_is_allocated() -> None:
    with pytest.raises(InputError, match=r"between 10,000,000 tasks takes up to 9,313,225\.7 GiB"):
        ErrorMarginAffinity(10_000_000)


def test_the_need_is_100_bytes_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pair_counts, "machine_memory", lambda: 100 * 50**2)
    assert isclose(PairCounts(50).of_blocks(torch.ones(N_BLOCKS)).sum().item(), 0)
    with pytest.raises(
        InputError, match="choose fewer tasks, or a strategy that compares no tasks"
    ):
        PairCounts(51)
    monkeypatch.setattr(_pair_counts, "machine_memory", lambda: None)
    PairCounts(51)


def test_half_precision_is_counted_in_single() -> None:
    affinity, single = ErrorMarginAffinity(4), ErrorMarginAffinity(4)
    for n in range(30):
        found, mask = margins(n, 4)
        affinity.update(found.bfloat16(), mask)
        single.update(found.bfloat16().float(), mask)
    assert torch.equal(affinity.matrix(), single.matrix())


def test_a_margin_that_is_no_number_does_not_move_the_mean() -> None:
    affinity = ErrorMarginAffinity(2, decay=1)
    every = torch.ones(2, 2, dtype=torch.bool)
    affinity.update(torch.tensor([[float("nan"), 0.5], [0.5, float("inf")]]), every)
    affinity.update(torch.tensor([[0.5, 0.5], [0.1, 0.1]]), every)
    assert affinity.matrix().isfinite().all()
