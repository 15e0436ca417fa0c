"""Solvers: a smooth loss and a penalty to coefficients, or to groups and bases of tasks."""

from ramify.linear.solvers._admm import solve_spectral, telling_strength
from ramify.linear.solvers._basis_search import BasisFactors, BasisSearch
from ramify.linear.solvers._group_search import GroupSearch, cluster_matrix, clusters_of
from ramify.linear.solvers._mean_coupled_ridge import (
    coupled_by_mean,
    coupled_over_rows,
    has_few_rows,
)
from ramify.linear.solvers._newton import solve_smooth, solve_unpenalised
from ramify.linear.solvers._solution import Control, Solution
from ramify.linear.solvers._working_sets import largest_strength, solve_penalised

__all__ = [
    "BasisFactors",
    "BasisSearch",
    "Control",
    "GroupSearch",
    "Solution",
    "cluster_matrix",
    "clusters_of",
    "coupled_by_mean",
    "coupled_over_rows",
    "has_few_rows",
    "largest_strength",
    "solve_penalised",
    "solve_smooth",
    "solve_spectral",
    "solve_unpenalised",
    "telling_strength",
]
