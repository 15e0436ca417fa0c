"""Penalties of the coefficients: value, proximal map, dual."""

from ramify.linear.penalties._cluster_penalty import ClusterPenalty
from ramify.linear.penalties._grouped_trace_norm import GroupedTraceNorm
from ramify.linear.penalties._norms import (
    EntryNorm,
    RowMaximum,
    RowNorm,
    SumOfParts,
    TraceNormPenalty,
)
from ramify.linear.penalties._penalty import Penalty
from ramify.linear.penalties._quadratic import (
    MeanCoupling,
    Preconditioner,
    Quadratic,
    TaskCoupling,
    inverse_or_zero,
)
from ramify.linear.penalties._spectral import SpectralPenalty, SquaredTraceNorm

__all__ = [
    "ClusterPenalty",
    "EntryNorm",
    "GroupedTraceNorm",
    "MeanCoupling",
    "Penalty",
    "Preconditioner",
    "Quadratic",
    "RowMaximum",
    "RowNorm",
    "SpectralPenalty",
    "SquaredTraceNorm",
    "SumOfParts",
    "TaskCoupling",
    "TraceNormPenalty",
    "inverse_or_zero",
]
