"""Loss of all tasks plus a spectral penalty, by turns: tasks one by one, then their spectrum."""

from dataclasses import dataclass

import numpy as np

from ramify.linear.inputs import Floats
from ramify.linear.losses import QuadraticModel, SmoothLoss, quadratic_model_at
from ramify.linear.penalties import Slack, SpectralPenalty
from ramify.linear.solvers._solution import Control, Solution

_SUFFICIENT = 1e-4
_SHORTEST = 1e-10
_RELAXATION = 1.6
_EVERY = 5
_N_TUNED = 150
_LITTLE = 0.01


@dataclass
class Splitting:
    """Where alternation stands.

    Args:
        coef: Coefficients with the structure that the penalty asks for, ``(task, feature)``.
        own: Those that each task's loss asks for, near them.
        dual: The scaled multiplier that pulls the two together.
        rate: How tightly; in the unit of the curvature.
    """

    coef: Floats
    own: Floats
    dual: Floats
    rate: float


def solve_spectral(
    loss: SmoothLoss, penalty: SpectralPenalty, start: Solution | None, control: Control
) -> Solution:
    """Minimise loss plus penalty.

    A loss that is not quadratic is replaced by its quadratic model at the last coefficients, and the
    objective never rises from one quadratic model to the next.

    Args:
        loss: The loss.
        penalty: The penalty.
        start: The solution of a similar problem; None to start from zero.
        control: When to stop. Optimality is the duality gap, relative to the loss at zero.

    Returns:
        The minimum, with its duality gap and the number of alternations.

    References:
        Boyd, Parikh, Chu, Peleato and Eckstein. *Distributed Optimization and Statistical
        Learning via the Alternating Direction Method of Multipliers*, 2011, section 3. Lee, Sun
        and Saunders. *Proximal Newton-Type Methods for Minimizing Composite Functions*, SIAM
        Journal on Optimization 2014.
    """
    scale, at_zero = loss.at_zero
    scale = scale if scale > 0 else 1.0
    coef = np.zeros_like(at_zero) if start is None else start.coef
    splitting = None if start is None else _copied(start.state)
    n_iter = 0
    while True:
        value, gradient = loss.value_and_gradient(coef)
        gap = max(penalty.gap(coef, gradient, _slack(loss, coef, (value, gradient))), 0.0)
        if gap <= control.tol * scale or n_iter >= control.max_iter:
            break
        model = quadratic_model_at(loss, coef, gradient)
        splitting = splitting or _begin(model, coef)
        # A model that will be replaced need not be solved further than it is right.
        goal = control.tol * scale if loss.is_quadratic else max(gap, control.tol * scale) / 10
        above = value - model.value(coef)
        n_iter += alternate(model, above, penalty, splitting, goal, control.max_iter - n_iter)
        moved = _line_search(loss, penalty, (coef, splitting.coef), value, gradient)
        if moved is None:
            break
        coef = moved
    return Solution(coef, n_iter, gap / scale, dual_gap=gap, state=splitting)


def alternate(
    model: QuadraticModel,
    above: float,
    penalty: SpectralPenalty,
    splitting: Splitting,
    goal: float,
    most: int,
) -> int:
    """Alternate on a quadratic model until the duality gap is at most ``goal``.

    Args:
        model: Instead of the loss.
        above: How far the loss lies above the model, where they touch.
        penalty: The penalty.
        splitting: Where to start; moved in place.
        goal: Largest gap.
        most: Most alternations.

    Returns:
        How many were made.
    """
    for made in range(1, most + 1):
        target = splitting.coef - splitting.dual
        splitting.own = model.near(target, splitting.rate, splitting.own)
        # Beyond the point that was found: over-relaxation, Boyd et al. (2011), section 3.4.3.
        relaxed = _RELAXATION * splitting.own + (1 - _RELAXATION) * splitting.coef
        before = splitting.coef
        splitting.coef = penalty.prox(relaxed + splitting.dual, 1 / splitting.rate)
        splitting.dual = splitting.dual + relaxed - splitting.coef
        # The gap needs a decomposition of its own, which would double the cost of each alternation.
        if made % _EVERY == 0:
            coef = splitting.coef
            slack = _slack_of_squares(model.value(coef) + above)
            if penalty.gap(coef, model.gradient(coef), slack) <= goal:
                return made
            _balance(splitting, before, made)
    return most


def telling_strength(loss: SmoothLoss, penalty: SpectralPenalty) -> float:
    """By what to multiply a penalty so that it leaves little of what the features can explain.

    The fall of the objective below the loss at zero is at most the conjugate at the gradient
    there; the multiplied penalty lets it fall by no more than one per cent.
    """
    value, gradient = loss.at_zero
    return penalty.conjugate(-gradient) / (_LITTLE * value) if value > 0 else 0.0


def _slack(loss: SmoothLoss, coef: Floats, tangent: tuple[float, Floats]) -> Slack:
    """What Fenchel's inequality leaves of the loss where its slopes are scaled."""
    value, gradient = tangent

    def slack(scale: float) -> float:
        return value - loss.dual_value(coef, scale) - scale * float(np.vdot(coef, gradient))

    return slack


def _slack_of_squares(value: float) -> Slack:
    """The same for half a sum of squares."""
    return lambda scale: (1 - scale) ** 2 * value


def _begin(model: QuadraticModel, coef: Floats) -> Splitting:
    rate = model.middle_curvature
    near = coef if coef.any() else model.near(coef, rate, coef)
    return Splitting(near, near, np.zeros_like(near), rate)


def _copied(state: object) -> Splitting | None:
    # A fit must not change what another fit starts from.
    if not isinstance(state, Splitting):
        return None
    return Splitting(state.coef, state.own, state.dual, state.rate)


def _balance(splitting: Splitting, before: Floats, made: int) -> None:
    """Set the rate so that both residuals, relative to what they compare, fall together.

    Late changes are rare and small, since a rate that keeps changing forbids convergence.
    """
    if made > _N_TUNED and made % (20 * _EVERY):
        return
    largest = max(np.linalg.norm(splitting.own), np.linalg.norm(splitting.coef))
    apart = np.linalg.norm(splitting.own - splitting.coef) * np.linalg.norm(splitting.dual)
    moved = np.linalg.norm(splitting.coef - before) * largest
    if apart == 0 or moved == 0:
        return
    most = 5.0 if made <= _N_TUNED else 2.0
    factor = float(np.clip(np.sqrt(apart / moved), 1 / most, most))
    if not 2 / 3 < factor < 3 / 2:
        splitting.rate *= factor
        # The dual is kept in units of the rate.
        splitting.dual = splitting.dual / factor


def _line_search(
    loss: SmoothLoss,
    penalty: SpectralPenalty,
    ends: tuple[Floats, Floats],
    value: float,
    gradient: Floats,
) -> Floats | None:
    """The longest of the halved steps that lowers the objective; None if rounding forbids it."""
    coef, target = ends
    if loss.is_quadratic:
        return target
    here = penalty.value(coef)
    promised = float(np.vdot(gradient, target - coef)) + penalty.value(target) - here
    length = 1.0
    while length > _SHORTEST and promised < 0:
        moved = coef + length * (target - coef)
        enough = value + here + _SUFFICIENT * length * promised
        if loss.value(moved) + penalty.value(moved) <= enough:
            return moved
        length /= 2
    return None
