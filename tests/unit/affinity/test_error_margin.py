import math

import numpy as np
import pytest
import torch
from tests.references import affinity as reference
from tests.settings import DEVICE, DTYPE
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.affinity import ErrorMarginAffinity

N_TASKS = 5
Batch = tuple[Tensor, Tensor]


def batches(
    n: int = 12, size: int = 16, *, labelled: float = 0.6, seed: int = 0, dtype: torch.dtype = DTYPE
) -> list[Batch]:
    """Margins with a common part, so that affinities differ; unlabelled cells hold rubbish."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(n):
        common = torch.randn(size, 1, generator=generator)
        own = torch.randn(size, N_TASKS, generator=generator)
        margins = torch.sigmoid(common + torch.linspace(0.2, 2, N_TASKS) * own)
        mask = torch.rand(size, N_TASKS, generator=generator) < labelled
        rubbish = torch.where(mask, margins, torch.tensor(float("nan")))
        made.append((rubbish.to(DEVICE, dtype), mask.to(DEVICE)))
    return made


def many(n_tasks: int, n: int, *, rows: int = 16, seed: int = 0) -> list[Batch]:
    """Batches of more tasks, with margins in 1/256."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(n):
        margins = torch.randint(257, (rows, n_tasks), generator=generator) / 256
        mask = torch.rand(rows, n_tasks, generator=generator) < 0.6
        made.append((margins.to(DEVICE, DTYPE), mask.to(DEVICE)))
    return made


def folded(found: list[Batch], decay: float = 0.99, n_tasks: int = N_TASKS) -> ErrorMarginAffinity:
    affinity = ErrorMarginAffinity(n_tasks, decay=decay)
    for margins, mask in found:
        affinity.update(margins, mask)
    return affinity


def as_numpy(found: list[Batch]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(margins.cpu().double().numpy(), mask.cpu().numpy()) for margins, mask in found]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("decay", [0.5, 0.95, 1.0])
def test_equals_the_sum_over_samples(decay: float, dtype: torch.dtype) -> None:
    found = batches(dtype=dtype)
    expected = torch.from_numpy(reference.margin_affinity(as_numpy(found), N_TASKS, decay))
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    assert_close(folded(found, decay).matrix().cpu(), expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("decay", [0.5, 0.95, 1.0])
def test_corrected_equals_the_sum_over_samples(decay: float, dtype: torch.dtype) -> None:
    found = batches(dtype=dtype)
    expected = torch.from_numpy(reference.corrected_affinity(as_numpy(found), N_TASKS, decay))
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    assert_close(folded(found, decay).corrected().cpu(), expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize("reading", ["matrix", "corrected"])
@pytest.mark.parametrize("seed", range(5))
def test_is_symmetric_within_0_and_1_and_1_on_the_diagonal(reading: str, seed: int) -> None:
    found: Tensor = getattr(folded(batches(n=2, size=4, labelled=0.9, seed=seed)), reading)()
    assert_close(found, found.T, equal_nan=True)
    known = found[~found.isnan()]
    assert known.min() >= 0
    assert known.max() <= 1
    assert_close(found.diagonal(), torch.ones_like(found.diagonal()))


def test_the_threshold_is_the_mean_from_before_the_batch() -> None:
    affinity = ErrorMarginAffinity(2, decay=1.0)
    every = torch.ones(2, 2, dtype=torch.bool)
    # First batch: threshold 0, everything is difficult, so the tasks agree.
    affinity.update(torch.tensor([[0.0, 0.8], [0.4, 0.0]]), every)
    assert_close(affinity.matrix()[0, 1].item(), 1.0)
    # Thresholds are now 0.2 and 0.4. Own means of this batch would be 0.6 and 0.5.
    affinity.update(torch.tensor([[0.3, 0.45], [0.9, 0.55]]), every)
    assert_close(affinity.matrix()[0, 1].item(), 1.0)
    # Thresholds are now 0.4 and 0.45: the first sample is easy for task 0 only.
    affinity.update(torch.tensor([[0.3, 0.9], [0.9, 0.9]]), every)
    assert_close(affinity.matrix()[0, 1].item(), 5 / 6)


def test_a_margin_that_equals_the_mean_is_difficult() -> None:
    affinity = ErrorMarginAffinity(2, decay=1.0)
    every = torch.ones(1, 2, dtype=torch.bool)
    affinity.update(torch.tensor([[0.5, 0.5]]), every)
    affinity.update(torch.tensor([[0.5, 0.75]]), every)
    assert affinity.matrix()[0, 1] == 1


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.3, 0.81])
def test_latent_correlation_gives_half_plus_its_arc_sine_over_pi(correlation: float) -> None:
    generator = torch.Generator().manual_seed(1)
    factor = torch.linalg.cholesky(torch.tensor([[1.0, correlation], [correlation, 1.0]]))
    margins = torch.randn(40_000, 2, generator=generator) @ factor.T + 10
    found = folded([(x, torch.ones(len(x), 2).bool()) for x in torch.split(margins, 500)], 1.0, 2)
    expected = 0.5 + math.asin(correlation) / math.pi
    assert abs(found.matrix()[0, 1].item() - expected) < 0.02
    # Half of the samples are difficult for each, so chance agreement is 1/2: twice the distance.
    assert abs(found.corrected()[0, 1].item() - expected) < 0.02


def test_rare_difficult_samples_look_alike_until_chance_is_taken_out() -> None:
    generator = torch.Generator().manual_seed(1)
    margins = (torch.rand(60_000, 2, generator=generator) < 0.05).float()
    # The first batch, difficult throughout, has to be forgotten: 1 % of such samples show.
    found = folded([(x, torch.ones(len(x), 2).bool()) for x in torch.split(margins, 500)], 0.95, 2)
    assert abs(found.matrix()[0, 1].item() - (0.05**2 + 0.95**2)) < 0.02
    assert abs(found.corrected()[0, 1].item() - 0.5) < 0.02


def test_two_tasks_that_are_always_difficult_are_unrelated_by_the_corrected_reading() -> None:
    found = folded([(torch.ones(4, 2), torch.ones(4, 2).bool())], 1.0, 2)
    assert found.matrix()[0, 1] == 1
    assert found.corrected()[0, 1] == 0.5


@pytest.mark.parametrize("reading", ["matrix", "corrected"])
def test_is_unknown_where_no_sample_had_both_labels(reading: str) -> None:
    mask = torch.tensor([[True, True, False, False], [True, False, True, False]])
    affinity = ErrorMarginAffinity(4)
    affinity.update(torch.rand(2, 4), mask)
    found: Tensor = getattr(affinity, reading)()
    unknown = torch.zeros(4, 4, dtype=torch.bool)
    unknown[1, 2] = unknown[2, 1] = True
    unknown[3] = unknown[:, 3] = True
    assert torch.equal(found.isnan(), unknown)


def test_a_batch_without_labels_of_a_task_leaves_its_values_unchanged() -> None:
    affinity = folded(batches(labelled=1.0), decay=0.9)
    before = affinity.matrix(), affinity.corrected()
    margins, mask = batches(n=1, labelled=1.0, seed=7)[0]
    mask[:, 2] = False
    affinity.update(margins, mask)
    for old, new in zip(before, (affinity.matrix(), affinity.corrected()), strict=True):
        assert_close(new[2], old[2], rtol=1e-12, atol=1e-12)
        assert not torch.allclose(new[0, 1], old[0, 1], rtol=0, atol=1e-6)


def test_what_stands_where_there_is_no_label_does_not_matter() -> None:
    found = batches()
    other = [(torch.where(mask, margins, 1e6), mask) for margins, mask in found]
    assert_close(folded(found).matrix(), folded(other).matrix(), rtol=0, atol=0)


def test_without_decay_every_sample_counts_alike() -> None:
    first, second = batches(n=2, size=32, labelled=1.0)
    affinity = folded([first, second, second], decay=1.0)
    counts = reference.counted_pairs(as_numpy([first, second, second]), N_TASKS, 1.0)
    assert counts.cells[0, 1].sum() == 96
    agreed = counts.cells[0, 1, 0, 0] + counts.cells[0, 1, 1, 1]
    assert_close(affinity.matrix()[0, 1].item(), agreed / 96)


def test_decay_forgets() -> None:
    every = torch.ones(200, 2, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    apart = torch.rand(200, 1, generator=generator)
    affinity = ErrorMarginAffinity(2, decay=0.8)
    for _ in range(30):
        affinity.update(torch.cat([apart, 1 - apart], dim=1), every)
    assert affinity.matrix()[0, 1] < 0.1
    for _ in range(30):
        affinity.update(torch.cat([apart, apart], dim=1), every)
    assert affinity.matrix()[0, 1] > 0.9


@pytest.mark.parametrize("n_tasks", [N_TASKS, 130])
def test_parts_of_a_batch_that_ranks_add_up_count_as_the_whole(n_tasks: int) -> None:
    # Margins in 1/256 add up without rounding, and a decay of 1 keeps them so.
    whole, rank = (ErrorMarginAffinity(n_tasks, decay=1) for _ in range(2))
    for margins, mask in many(n_tasks, n=12):
        whole.update(margins, mask)
        given: list[Tensor] = []  # by the other rank, in the order in which ranks add up
        other = ErrorMarginAffinity(n_tasks, decay=1).load_state_dict(rank.state_dict())
        other.update(margins[5:], mask[5:], lambda own, to=given: (to.append(own), own)[1])  # type: ignore[misc]
        rank.update(margins[:5], mask[:5], lambda own, of=given: own + of.pop(0))  # type: ignore[misc]
    for reading in ("matrix", "corrected"):
        assert_close(getattr(rank, reading)(), getattr(whole, reading)(), rtol=0, atol=1e-12)


def test_rescaling_the_inner_weight_over_5000_batches_does_not_show() -> None:
    pool = batches(n=20, size=8, labelled=0.9, dtype=torch.float32)
    found = [pool[i % 20] for i in range(5_000)]
    affinity = folded(found, decay=0.97)  # 0.97 ** -5000 is beyond the largest number
    assert affinity.n_batches == 5_000
    # What came before the last 1,500 batches weighs 1e-20.
    expected = reference.margin_affinity(as_numpy(found[-1_500:]), N_TASKS, 0.97)
    assert_close(affinity.matrix().cpu(), torch.from_numpy(expected), rtol=0, atol=1e-5)


def test_is_finite_after_many_batches_of_fast_decay() -> None:
    affinity = folded(batches(n=3, labelled=1.0) * 200, decay=0.1)
    assert affinity.matrix().isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_state_round_trip_goes_on_bit_for_bit(dtype: torch.dtype) -> None:
    first, second = batches(n=7, dtype=dtype), batches(n=9, seed=5, dtype=dtype)
    whole = folded([*first, *second])
    stopped = folded(first)
    state = {name: tensor.clone() for name, tensor in stopped.state_dict().items()}
    again = ErrorMarginAffinity(N_TASKS).load_state_dict(state)
    for batch in second:
        again.update(*batch)
    assert again.n_batches == whole.n_batches
    for reading in ("matrix", "corrected"):
        assert torch.equal(getattr(again, reading)(), getattr(whole, reading)())


def test_a_loaded_state_is_a_copy() -> None:
    affinity = folded(batches())
    again = ErrorMarginAffinity(N_TASKS).load_state_dict(affinity.state_dict())
    before = affinity.matrix()
    again.update(*batches(n=1, seed=4)[0])
    assert torch.equal(affinity.matrix(), before)


def test_renaming_tasks_renames_the_affinity() -> None:
    found, order = batches(), torch.tensor([3, 0, 4, 1, 2])
    renamed = [(margins[:, order], mask[:, order]) for margins, mask in found]
    for reading in ("matrix", "corrected"):
        expected = getattr(folded(found), reading)()[order][:, order]
        assert_close(getattr(folded(renamed), reading)(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("corrected", [True, False])
def test_drawing_every_block_once_gives_the_affinity(corrected: bool) -> None:
    affinity = folded(batches(n=30))
    expected = affinity.corrected() if corrected else affinity.matrix()
    found = affinity.resampled(torch.ones(affinity.n_blocks), corrected=corrected)
    assert_close(found, expected, rtol=0, atol=1e-12)


def test_blocks_are_dealt_in_turn() -> None:
    affinity = ErrorMarginAffinity(2, decay=1.0)
    every = torch.ones(1, 2, dtype=torch.bool)
    affinity.update(torch.tensor([[0.5, 0.5]]), every)  # block 0: agrees
    affinity.update(torch.tensor([[0.9, 0.1]]), every)  # block 1: does not
    only = torch.zeros(affinity.n_blocks)
    only[1] = 1
    assert affinity.resampled(only, corrected=False)[0, 1] == 0
    only[[0, 1]] = torch.tensor([1.0, 0.0])
    assert affinity.resampled(only, corrected=False)[0, 1] == 1


def test_needs_no_gradient() -> None:
    margins = torch.rand(4, 2, requires_grad=True)
    affinity = ErrorMarginAffinity(2)
    affinity.update(margins, torch.ones(4, 2, dtype=torch.bool))
    assert not affinity.matrix().requires_grad
    assert not any(tensor.requires_grad for tensor in affinity.state_dict().values())


@pytest.mark.parametrize("n_tasks", [0, -1])
def test_refuses_a_number_of_tasks_below_one(n_tasks: int) -> None:
    with pytest.raises(InputError, match=f"`n_tasks` must be a whole number .* Got {n_tasks}"):
        ErrorMarginAffinity(n_tasks)


@pytest.mark.parametrize("decay", [0.0, -0.5, 1.01, float("nan")])
def test_refuses_a_decay_out_of_range(decay: float) -> None:
    with pytest.raises(InputError, match="`decay` must be a finite number above 0 and at most 1"):
        ErrorMarginAffinity(2, decay=decay)


@pytest.mark.boundary
@pytest.mark.parametrize(
    ("margins", "mask"),
    [((4, 3), (4, 3)), ((4, 2), (4, 1)), ((4, 2), (3, 2)), ((2,), (2,))],
)
def test_refuses_shapes_that_do_not_fit(margins: tuple[int, ...], mask: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"must both be \(batch, 2\)\. Got"):
        ErrorMarginAffinity(2).update(torch.zeros(margins), torch.ones(mask).bool())
