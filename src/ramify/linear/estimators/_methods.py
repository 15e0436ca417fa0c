"""The table of methods by name."""

from collections.abc import Mapping
from dataclasses import dataclass

from ramify.linear.estimators._base import MultiTaskModel
from ramify.linear.estimators._block_sparse import (
    BlockSparse,
    BlockSparseClassifier,
    BlockSparseClassifierCV,
    BlockSparseCV,
)
from ramify.linear.estimators._clustered import (
    ClusteredTasks,
    ClusteredTasksClassifier,
    ClusteredTasksClassifierCV,
    ClusteredTasksCV,
)
from ramify.linear.estimators._dirty import (
    Dirty,
    DirtyClassifier,
    DirtyClassifierCV,
    DirtyCV,
)
from ramify.linear.estimators._feature_learning import (
    FeatureLearning,
    FeatureLearningClassifier,
    FeatureLearningClassifierCV,
    FeatureLearningCV,
)
from ramify.linear.estimators._graph_regularized import (
    GraphRegularized,
    GraphRegularizedClassifier,
    GraphRegularizedClassifierCV,
    GraphRegularizedCV,
)
from ramify.linear.estimators._latent_basis import (
    LatentBasis,
    LatentBasisClassifier,
    LatentBasisClassifierCV,
    LatentBasisCV,
)
from ramify.linear.estimators._mean_regularized import (
    MeanRegularized,
    MeanRegularizedClassifier,
    MeanRegularizedClassifierCV,
    MeanRegularizedCV,
)
from ramify.linear.estimators._task_grouping import (
    TaskGrouping,
    TaskGroupingClassifier,
    TaskGroupingClassifierCV,
    TaskGroupingCV,
)
from ramify.linear.estimators._task_relationship import (
    TaskRelationship,
    TaskRelationshipClassifier,
    TaskRelationshipClassifierCV,
    TaskRelationshipCV,
)
from ramify.linear.estimators._trace_norm import (
    TraceNorm,
    TraceNormClassifier,
    TraceNormClassifierCV,
    TraceNormCV,
)


@dataclass(frozen=True)
class Method:
    """The four estimators of a method.

    Args:
        regressor: Predicts numbers.
        classifier: Predicts one of two classes.
        regressor_cv: The regressor with its strength chosen by cross-validation.
        classifier_cv: The classifier with its strength chosen by cross-validation.
    """

    regressor: type[MultiTaskModel]
    classifier: type[MultiTaskModel]
    regressor_cv: type[MultiTaskModel]
    classifier_cv: type[MultiTaskModel]


METHODS: Mapping[str, Method] = {
    "block-sparse": Method(
        BlockSparse, BlockSparseClassifier, BlockSparseCV, BlockSparseClassifierCV
    ),
    "mean-regularized": Method(
        MeanRegularized, MeanRegularizedClassifier, MeanRegularizedCV, MeanRegularizedClassifierCV
    ),
    "trace-norm": Method(TraceNorm, TraceNormClassifier, TraceNormCV, TraceNormClassifierCV),
    "dirty": Method(Dirty, DirtyClassifier, DirtyCV, DirtyClassifierCV),
    "graph": Method(
        GraphRegularized,
        GraphRegularizedClassifier,
        GraphRegularizedCV,
        GraphRegularizedClassifierCV,
    ),
    "clustered": Method(
        ClusteredTasks, ClusteredTasksClassifier, ClusteredTasksCV, ClusteredTasksClassifierCV
    ),
    "feature-learning": Method(
        FeatureLearning, FeatureLearningClassifier, FeatureLearningCV, FeatureLearningClassifierCV
    ),
    "task-relationship": Method(
        TaskRelationship,
        TaskRelationshipClassifier,
        TaskRelationshipCV,
        TaskRelationshipClassifierCV,
    ),
    "task-grouping": Method(
        TaskGrouping, TaskGroupingClassifier, TaskGroupingCV, TaskGroupingClassifierCV
    ),
    "latent-basis": Method(
        LatentBasis, LatentBasisClassifier, LatentBasisCV, LatentBasisClassifierCV
    ),
}
"""Every method by its name in kebab case, as the command line has it."""
