"""Penalties of the coefficients: value, proximal map, dual."""

from ramify.linear.penalties._norms import EntryNorm, Face, Penalty, RowMaximum, RowNorm, SumOfParts
from ramify.linear.penalties._quadratic import MeanCoupling, Quadratic, TaskCoupling
from ramify.linear.penalties._spectral import (
    ClusterPenalty,
    GroupedTraceNorm,
    Slack,
    SpectralPenalty,
    SquaredTraceNorm,
    TraceNormPenalty,
    singular_values,
)

__all__ = [
    "ClusterPenalty",
    "EntryNorm",
    "Face",
    "GroupedTraceNorm",
    "MeanCoupling",
    "Penalty",
    "Quadratic",
    "RowMaximum",
    "RowNorm",
    "Slack",
    "SpectralPenalty",
    "SquaredTraceNorm",
    "SumOfParts",
    "TaskCoupling",
    "TraceNormPenalty",
    "singular_values",
]
