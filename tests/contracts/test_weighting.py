"""What every weighting keeps to."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ramify import weighting
from ramify._core import InputError, ShapeError
from ramify.tasks import TaskSet
from ramify.weighting import (
    WEIGHTINGS,
    GramFunction,
    GramWeighting,
    LossWeighting,
    Periodic,
    Remembering,
    Weighting,
    weighting_named,
)

from ._weighting_cases import (
    GRAM_CASES,
    LOSS_CASES,
    N_TASKS,
    TASKS,
    GramCase,
    LossCase,
    gradients,
    gram_of,
    hard_grams,
)

every_loss_rule = pytest.mark.parametrize(
    "case", LOSS_CASES.values(), ids=[each.__name__ for each in LOSS_CASES]
)
every_gram_rule = pytest.mark.parametrize(
    "case", GRAM_CASES.values(), ids=[each.__name__ for each in GRAM_CASES]
)
# What is drawn is drawn in the order of the tasks, all of them, and has no law of names or of size.
RULES = {kind: case for cases in (LOSS_CASES, GRAM_CASES) for kind, case in cases.items()}
every_rule = pytest.mark.parametrize("case", RULES.values(), ids=[each.__name__ for each in RULES])
NOT_DRAWN = {kind: case for kind, case in RULES.items() if not case.by_chance}
every_rule_not_drawn = pytest.mark.parametrize(
    "case", NOT_DRAWN.values(), ids=[each.__name__ for each in NOT_DRAWN]
)
ALL = torch.ones(N_TASKS, dtype=torch.bool)
SOME = torch.tensor([True, False, True, True, False])
ORDER = torch.tensor([3, 0, 4, 1, 2])


Rule = TypeVar("Rule", bound=Weighting)


def started(rule: Rule, tasks: TaskSet = TASKS, seed: int = 0) -> Rule:
    remembers: object = rule
    if isinstance(remembers, Remembering):
        remembers.start(tasks, seed)
    return rule


def losses(step: int = 0, size: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(step)
    return size * (0.1 + torch.rand(N_TASKS, generator=generator, dtype=torch.float64))


def weights_of(
    rule: LossWeighting | GramWeighting, gram: Tensor, values: Tensor, present: Tensor
) -> Tensor:
    if isinstance(rule, LossWeighting):
        return rule.weights(values, present)
    return rule.weights(gram, values, present)


def steps(
    rule: LossWeighting | GramWeighting, first: int, last: int, present: Tensor = ALL
) -> list[Tensor]:
    """Weights of several steps, an epoch every three."""
    found = []
    for step in range(first, last):
        found.append(weights_of(rule, gram_of(gradients(seed=step)), losses(step), present))
        if isinstance(rule, Periodic) and step % 3 == 2:
            rule.end_epoch()
    return found


def exported() -> Iterator[type[Weighting]]:
    for name in weighting.__all__:
        found = getattr(weighting, name)
        if (
            isinstance(found, type)
            and issubclass(found, Weighting)
            and not inspect.isabstract(found)
            and found is not Weighting
        ):
            yield found


def test_every_exported_weighting_has_a_case_and_a_name() -> None:
    assert set(exported()) == set(LOSS_CASES) | set(GRAM_CASES)
    assert set(exported()) == {*WEIGHTINGS.values(), GramFunction}


@pytest.mark.parametrize("page", ["weighting.md", "command_line.md"])
def test_the_pages_tell_every_name(page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    assert [name for name in WEIGHTINGS if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", [name for name in WEIGHTINGS if name != "fixed"])
def test_a_name_gives_the_weighting_of_that_name(name: str) -> None:
    assert weighting_named(name).name == name


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"one of 'equal', .*'upgrad'.*Got 'magic'"):
        weighting_named("magic")
    with pytest.raises(InputError, match="must be one that needs no numbers"):
        weighting_named("fixed")


@every_rule
def test_settings_are_json(case: LossCase | GramCase) -> None:
    rule = case.build()
    assert rule.name
    assert json.loads(json.dumps(rule.settings(), allow_nan=False)) == rule.settings()


@every_loss_rule
@pytest.mark.parametrize("present", [ALL, SOME])
def test_weights_of_losses_are_finite_and_of_the_stated_size(
    case: LossCase, present: Tensor
) -> None:
    for weights in steps(started(case.build()), 0, 12, present):
        assert weights.isfinite().all()
        assert (weights[present] > 0).all()
        if case.mean_one:
            assert_close(weights.sum(), present.sum().double())


@every_gram_rule
@pytest.mark.parametrize("present", [ALL, SOME])
def test_weights_of_grams_are_finite_and_of_the_stated_size(
    case: GramCase, present: Tensor
) -> None:
    for weights in steps(started(case.build()), 0, 12, present):
        assert weights.isfinite().all()
        assert (weights[present] >= case.least - 1e-9).all()
        if case.mean_one and present.all():
            assert_close(weights.sum(), present.sum().double())


@every_rule
def test_absent_tasks_have_weight_zero_and_no_influence(case: LossCase | GramCase) -> None:
    """The same with whatever stands in the place of the absent tasks."""
    rule, other = started(case.build()), started(case.build())
    for step in range(6):
        values, gram = losses(step), gram_of(gradients(seed=step))
        rubbish = torch.where(SOME, values, float("nan"))
        spoilt = torch.where(SOME[:, None] & SOME, gram, float("nan"))
        one, two = weights_of(rule, gram, values, SOME), weights_of(other, spoilt, rubbish, SOME)
        assert (one[~SOME] == 0).all()
        assert torch.equal(one, two)


@every_rule_not_drawn
def test_absent_tasks_might_as_well_not_be_there(case: LossCase | GramCase) -> None:
    places = SOME.nonzero().squeeze(1)
    rule, fewer = started(case.build()), case.build()
    if isinstance(fewer, weighting.Fixed):
        fewer = weighting.Fixed([1.0] * len(places))
    started(fewer, TaskSet([TASKS[i] for i in places]))
    whole = torch.ones(len(places), dtype=torch.bool)
    for step in range(8):
        values, gram = losses(step), gram_of(gradients(seed=step))
        one = weights_of(rule, gram, values, SOME)
        two = weights_of(fewer, gram[places][:, places], values[places], whole)
        assert_close(one[places], two)


@every_rule_not_drawn
def test_renaming_tasks_renames_the_weights(case: LossCase | GramCase) -> None:
    rule = started(case.build())
    other = started(case.build(), TaskSet([TASKS[i] for i in ORDER]))
    for step in range(8):
        values, gram = losses(step), gram_of(gradients(seed=step))
        one = weights_of(rule, gram, values, ALL)
        two = weights_of(other, gram[ORDER][:, ORDER], values[ORDER], ALL)
        assert_close(two, one[ORDER])


@every_rule
def test_one_task_has_the_stated_weight(case: LossCase | GramCase) -> None:
    rule = case.build()
    if isinstance(rule, weighting.Fixed):
        rule = weighting.Fixed([1.0])
    rule, here = started(rule, TaskSet([TASKS[1]])), torch.tensor([True])
    value = torch.ones(1, dtype=torch.float64)
    found = weights_of(rule, 9 * value[None], value, here)
    assert_close(found, torch.tensor([case.alone]).double())


@every_loss_rule
def test_a_common_factor_of_the_losses_does_what_is_stated(case: LossCase) -> None:
    rule, other = started(case.build()), started(case.build())
    same = []
    for step in range(12):
        one, two = (
            rule.weights(losses(step), ALL),
            other.weights(1000 * losses(step), ALL),
        )
        same.append(torch.allclose(one, two, rtol=1e-5))
        for each in (rule, other):
            if isinstance(each, Periodic) and step % 3 == 2:
                each.end_epoch()
    assert all(same) == case.scale_free


@every_gram_rule
@pytest.mark.parametrize("factor", [1e-15, 1e-3, 1e15])
def test_a_common_factor_of_the_gram_changes_nothing(case: GramCase, factor: float) -> None:
    rule, other = started(case.build()), started(case.build())
    for step in range(4):
        gram = gram_of(gradients(seed=step))
        assert_close(
            other.weights(factor * gram, losses(step), ALL),
            rule.weights(gram, losses(step), ALL),
            rtol=1e-6,
            atol=1e-9,
        )


@every_gram_rule
def test_orthogonal_gradients_of_one_length_are_left_alone(case: GramCase) -> None:
    ones = torch.ones(N_TASKS, dtype=torch.float64)
    found = started(case.build()).weights(torch.eye(N_TASKS).double(), ones, ALL)
    assert_close(found, case.undisturbed * ones)


@every_gram_rule
@pytest.mark.parametrize("name", hard_grams())
def test_hard_grams_give_finite_weights_of_the_stated_size(case: GramCase, name: str) -> None:
    gram = hard_grams()[name]
    rule = started(case.build())
    for present in (ALL, SOME, torch.arange(N_TASKS) == 2, ~ALL):
        weights = rule.weights(gram, losses(), present)
        assert weights.isfinite().all()
        assert (weights[present] >= min(case.least, 1) - 1e-9).all()
        assert (weights[~present] == 0).all()


@every_gram_rule
def test_many_random_grams_of_any_rank_give_finite_weights(case: GramCase) -> None:
    for seed in range(40):
        generator = torch.Generator().manual_seed(seed)
        rows = gradients(N_TASKS, 1 + seed % 6, seed)
        rows = rows * torch.randn(N_TASKS, 1, generator=generator).mul(6).exp()
        weights = started(case.build()).weights(gram_of(rows.float()), losses(seed).float(), ALL)
        assert weights.isfinite().all()


@every_gram_rule
def test_the_direction_harms_no_task_where_that_is_promised(case: GramCase) -> None:
    worst = 0.0
    for n_parameters in (2, 3, 7, 40):
        for seed in range(10):
            rows = gradients(N_TASKS, n_parameters, seed)
            gram = gram_of(rows)
            weights = started(case.build()).weights(gram, losses(), ALL)
            lengths = gram.diagonal().sqrt()
            along = gram @ weights / lengths / weights.dot(lengths)
            worst = min(worst, float(along.min()))
    assert worst >= -case.harm if case.harm is not None else worst < -1e-3


@every_gram_rule
def test_a_task_without_a_gradient_has_weight_one_and_no_influence(case: GramCase) -> None:
    gram = gram_of(gradients() * SOME[:, None])
    rule, without = started(case.build()), started(case.build())
    found = rule.weights(gram, losses(), ALL)
    assert (found[~SOME] == 1).all()
    assert torch.equal(found[SOME], without.weights(gram, losses(), SOME)[SOME])


@every_gram_rule
def test_a_gram_that_is_not_finite_gives_equal_weights(case: GramCase) -> None:
    gram = gram_of(gradients())
    for bad in (float("nan"), float("inf")):
        spoilt = gram.clone()
        spoilt[1, 1] = bad
        found = started(case.build()).weights(spoilt, losses(), ALL)
        assert (found == 1).all() or not found[1].isnan()
        assert found.isfinite().all()


@every_loss_rule
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-8, 1e15])
def test_losses_of_any_size_give_finite_weights(case: LossCase, size: float) -> None:
    for mixed in (False, True):
        rule = started(case.build())
        for step in range(6):
            values = losses(step, size).float()
            if mixed:
                values[::2] = 1.0
            assert rule.weights(values, ALL).isfinite().all()
            if isinstance(rule, Periodic) and step % 2:
                rule.end_epoch()


@every_rule
def test_a_step_without_any_task_gives_zeros(case: LossCase | GramCase) -> None:
    rule = started(case.build())
    for weights in steps(rule, 0, 4, ~ALL):
        assert (weights == 0).all()
    for weights in steps(rule, 4, 8):
        assert weights.isfinite().all()


@every_rule
def test_going_on_from_the_tensors_is_going_on_bit_for_bit(case: LossCase | GramCase) -> None:
    rule, other = started(case.build()), case.build()
    steps(rule, 0, 7)
    if isinstance(rule, Remembering) and isinstance(other, Remembering):
        state = {name: tensor.clone() for name, tensor in rule.state_tensors().items()}
        other.load_state_tensors(state)
    for one, two in zip(steps(rule, 7, 14), steps(other, 7, 14), strict=True):
        assert torch.equal(one, two)


@every_rule
def test_what_is_remembered_of_an_absent_task_stays_bit_for_bit(case: LossCase | GramCase) -> None:
    rule = started(case.build())
    steps(rule, 0, 5)
    if not isinstance(rule, Remembering):
        return
    before = {name: tensor.clone() for name, tensor in rule.state_tensors().items()}
    for step in range(5, 8):
        weights_of(rule, gram_of(gradients(seed=step)), losses(step), SOME)
    for name, tensor in rule.state_tensors().items():
        if tensor.shape[:1] == (N_TASKS,):
            assert_close(tensor[~SOME], before[name][~SOME], rtol=0, atol=0, equal_nan=True)


@every_rule
def test_starting_anew_forgets(case: LossCase | GramCase) -> None:
    rule = started(case.build())
    first = steps(rule, 0, 7)
    for one, two in zip(first, steps(started(rule), 0, 7), strict=True):
        assert torch.equal(one, two)


@every_rule
def test_random_numbers_come_from_the_seed_only(case: LossCase | GramCase) -> None:
    before = torch.get_rng_state()
    one = steps(started(case.build()), 0, 3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    two = steps(started(case.build()), 0, 3)
    other = steps(started(case.build(), seed=1), 0, 3)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert case.by_chance != all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@every_rule
def test_weights_come_in_the_precision_of_the_losses(case: LossCase | GramCase) -> None:
    for dtype in (torch.float32, torch.float64):
        rule = started(case.build())
        found = weights_of(rule, gram_of(gradients()).to(dtype), losses().to(dtype), ALL)
        assert found.dtype == dtype
        assert not found.requires_grad


@every_rule
@pytest.mark.boundary
def test_shapes_that_do_not_fit_are_refused(case: LossCase | GramCase) -> None:
    rule = started(case.build())
    with pytest.raises(ShapeError, match="must"):
        weights_of(rule, gram_of(gradients()), losses(), ALL[:3])


@pytest.mark.parametrize("kind", [kind for kind in RULES if issubclass(kind, Remembering)])
def test_what_was_not_started_says_so(kind: type[Weighting]) -> None:
    with pytest.raises(InputError, match="must be started"):
        steps(RULES[kind].build(), 0, 1)
