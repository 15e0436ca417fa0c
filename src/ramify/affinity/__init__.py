"""How alike tasks are, from tensors that training has at hand. Trains nothing, knows no model.

The functions do without torch, the classes need it; each is found when first used.
"""

from typing import TYPE_CHECKING

from ramify._core import lazy_names

if TYPE_CHECKING:
    from ramify.affinity._branch_affinity import branch_affinity
    from ramify.affinity._error_margin import ErrorMarginAffinity
    from ramify.affinity._factors import Factors, factors_of_gram
    from ramify.affinity._feature_gradients import FeatureGradientAffinity
    from ramify.affinity._gradient_factors import Accumulation, CountSketch, GradientFactors
    from ramify.affinity._nonnegative import nonnegative_factors

__all__ = [
    "Accumulation",
    "CountSketch",
    "ErrorMarginAffinity",
    "Factors",
    "FeatureGradientAffinity",
    "GradientFactors",
    "branch_affinity",
    "factors_of_gram",
    "nonnegative_factors",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Accumulation": "ramify.affinity._gradient_factors",
        "CountSketch": "ramify.affinity._gradient_factors",
        "ErrorMarginAffinity": "ramify.affinity._error_margin",
        "Factors": "ramify.affinity._factors",
        "FeatureGradientAffinity": "ramify.affinity._feature_gradients",
        "GradientFactors": "ramify.affinity._gradient_factors",
        "branch_affinity": "ramify.affinity._branch_affinity",
        "factors_of_gram": "ramify.affinity._factors",
        "nonnegative_factors": "ramify.affinity._nonnegative",
    },
)
