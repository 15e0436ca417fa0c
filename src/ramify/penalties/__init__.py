"""Penalties on the weights of several tasks: value, proximal step, covariances.

All take weights with the task as their first axis, ``(task, …)``, and know no network.

* `graph_distance`, `pull`: tasks of a graph stay near each other. `anchor_distance`: near a point.
* `trace_norm`: stacked weights of low rank, by the ways to unfold them in `SPLITS`.
* `TensorNormal`: the weights' prior, with covariances of features, outputs and tasks.
* `subspace_overlap`: two halves of a layer see different things.
"""

from ramify.penalties._distance import (
    anchor_distance,
    anchor_pulled,
    complete_graph,
    graph_distance,
    pull,
    pulled,
)
from ramify.penalties._overlap import subspace_overlap
from ramify.penalties._tensor_normal import TensorNormal, negative_log_prior
from ramify.penalties._trace_norm import (
    SPLITS,
    Splits,
    chain_splits,
    every_axis_splits,
    task_axis_splits,
    trace_norm,
    trace_norm_shrunk,
)

__all__ = [
    "SPLITS",
    "Splits",
    "TensorNormal",
    "anchor_distance",
    "anchor_pulled",
    "chain_splits",
    "complete_graph",
    "every_axis_splits",
    "graph_distance",
    "negative_log_prior",
    "pull",
    "pulled",
    "subspace_overlap",
    "task_axis_splits",
    "trace_norm",
    "trace_norm_shrunk",
]
