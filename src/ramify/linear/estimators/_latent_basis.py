"""A latent basis: every task combines few of the directions that all tasks share."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace

import numpy as np
from sklearn.utils import check_random_state

from ramify._core import check_count, check_number
from ramify.linear.estimators._base import Method, SingleFit
from ramify.linear.estimators._cross_validation import CrossValidated
from ramify.linear.estimators._forms import Classifier, Regressor
from ramify.linear.inputs import Floats
from ramify.linear.losses import SmoothLoss
from ramify.linear.solvers import BasisFactors, BasisSearch, Solution

RandomState = int | np.random.RandomState | None


@dataclass(eq=False, repr=False)
class _LatentBasis(SingleFit):
    components_: Floats = field(init=False)
    codes_: Floats = field(init=False)
    task_affinity_: Floats = field(init=False)

    alpha: float = 0.1
    _: KW_ONLY
    n_basis: int = 2
    n_init: int = 10
    random_state: RandomState = 0
    tol: float = 1e-3

    def _solve(self, loss: SmoothLoss, start: Solution | None) -> Solution:
        alpha = check_number("alpha", self.alpha, open_end=True)
        n_basis = min(check_count("n_basis", self.n_basis), loss.n_tasks, loss.n_features)
        n_init = check_count("n_init", self.n_init)
        seed = check_random_state(self.random_state).randint(2**31)
        search = BasisSearch(loss, alpha, n_basis, self._control())
        starts = [search.first(n_init, np.random.default_rng(seed))]
        if start is not None and isinstance(start.state, BasisFactors):
            starts.append(start.state)
        # Only one start is followed to its end; zero is stationary, and the best if all is noise.
        best = min(starts, key=search.objective)
        factors, solution = search.descend(best)
        if search.objective(factors) >= loss.at_zero[0]:
            factors = BasisFactors(np.zeros_like(factors.codes), np.zeros_like(factors.basis))
            solution = replace(solution, coef=factors.coef, optimality=0.0, state=factors)
        codes, basis = factors.codes, factors.basis
        learned = {"codes_": codes, "components_": basis, "task_affinity_": _overlap(codes)}
        return replace(solution, learned=learned)

    def _largest_alpha(self, loss: SmoothLoss) -> float:
        # Whatever the basis, zero is the minimum from here on: the loss falls by at most the
        # steepest task's slope times the sum over directions of |codes| times length, t, and the
        # penalty is at least 3/2 alpha t^(2/3).
        value, gradient = loss.at_zero
        steepest = float(np.sqrt((gradient**2).sum(axis=1).max()))
        return float(np.cbrt(value * steepest**2)) / 1.5


@dataclass(eq=False, repr=False, kw_only=True)
class _LatentBasisCV(CrossValidated):
    _candidates = ("n_basis",)

    components_: Floats = field(init=False)
    codes_: Floats = field(init=False)
    task_affinity_: Floats = field(init=False)

    alphas: int | Sequence[float] = 20
    n_basis: int | Sequence[int] = 2
    n_init: int = 10
    random_state: RandomState = 0
    tol: float = 1e-3


class LatentBasis(Regressor, _LatentBasis):
    r"""Regression in which every task is a sparse mix of a few shared directions (GO-MTL).

    .. math:: \min_{S, L} L(SL) + \alpha \|S\|_1 + \frac{\alpha}{2} \|L\|_F^2

    for codes *S* ``(task, direction)`` and a basis *L* ``(direction, feature)``. Groups of tasks
    may overlap: two tasks share what their codes share. The paper has a strength for each term,
    :math:`\mu \|S\|_1 + \lambda \|L\|_F^2`, but :math:`cL` and :math:`S/c` give the same
    coefficients for every *c*, so only :math:`2 \lambda \mu^2 = \alpha^3` matters to them, and for
    :math:`\mu = 0` nothing is penalised at all, whatever :math:`\lambda`.

    The objective is not convex. It starts from the leading singular vectors of the single tasks'
    coefficients, as in the paper, and from random rotations of them, of which the most promising
    is followed; then codes, scales and basis take turns, each at its best given the others. The
    penalty rises with the coefficients' size only as its power 2/3, so zero is always stationary,
    and it is returned where the objective found is no lower.

    `MultiTaskModel` tells the settings and attributes that all methods have.

    Args:
        alpha: :math:`\alpha`, above 0. Towards 0, with as many directions as tasks, every task
            stands alone.
        n_basis: How many directions; at most as many as tasks and features.
        n_init: How many rotations are compared at the start.
        random_state: Of the rotations.

    Attributes:
        coef_: ``codes_ @ components_``, ``(task, feature)``.
        intercept_: ``(task,)``.
        codes_: *S*, ``(task, direction)``.
        components_: *L*, ``(direction, feature)``.
        task_affinity_: Cosine of the absolute codes of two tasks in [0, 1], ``(task, task)``: 0
            if they share no direction.
        optimality_: Residual of the conditions for a stationary point, relative to the slope at zero;
            there is no certificate of a minimum.

    References:
        Kumar and Daumé. *Learning Task Grouping and Overlap in Multi-task Learning*, ICML 2012.

    Example:
        >>> import numpy as np
        >>> from ramify.linear import LatentBasis
        >>> rng = np.random.default_rng(0)
        >>> X, basis = rng.normal(size=(80, 6)), np.eye(6)[:2]
        >>> codes = np.array([[1, 0], [2, 0], [1, 1], [0, 1], [0, 2]])
        >>> model = LatentBasis(n_basis=2).fit(X, X @ (codes @ basis).T)
        >>> (model.codes_ != 0).sum(axis=1).tolist()
        [1, 1, 2, 1, 1]
    """


class LatentBasisClassifier(Classifier, _LatentBasis):
    """Classification in which every task is a sparse mix of shared directions; see `LatentBasis`."""


class LatentBasisCV(Regressor, _LatentBasisCV):
    """`LatentBasis` with its strength and number of directions chosen by cross-validation."""

    _plain = LatentBasis


class LatentBasisClassifierCV(Classifier, _LatentBasisCV):
    """`LatentBasisClassifier` with its settings chosen by cross-validation."""

    _plain = LatentBasisClassifier


METHOD = Method(
    "latent-basis", LatentBasis, LatentBasisClassifier, LatentBasisCV, LatentBasisClassifierCV
)


def _overlap(codes: Floats) -> Floats:
    sizes = np.abs(codes)
    lengths = np.linalg.norm(sizes, axis=1)
    scale = np.outer(lengths, lengths)
    cosine = np.divide(sizes @ sizes.T, scale, out=np.zeros_like(scale), where=scale > 0)
    np.fill_diagonal(cosine, 1.0)
    overlap: Floats = cosine.clip(0, 1)
    return overlap
