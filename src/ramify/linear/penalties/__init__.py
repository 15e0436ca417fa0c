"""Penalties of the coefficients: value, proximal map, dual."""

from ramify.linear.penalties._norms import (
    EntryNorm,
    Penalty,
    RowMaximum,
    RowNorm,
    SumOfParts,
    TraceNormPenalty,
)
from ramify.linear.penalties._quadratic import MeanCoupling, Quadratic, TaskCoupling
from ramify.linear.penalties._spectral import (
    ClusterPenalty,
    GroupedTraceNorm,
    SpectralPenalty,
    SquaredTraceNorm,
)

__all__ = [
    "ClusterPenalty",
    "EntryNorm",
    "GroupedTraceNorm",
    "MeanCoupling",
    "Penalty",
    "Quadratic",
    "RowMaximum",
    "RowNorm",
    "SpectralPenalty",
    "SquaredTraceNorm",
    "SumOfParts",
    "TaskCoupling",
    "TraceNormPenalty",
]
