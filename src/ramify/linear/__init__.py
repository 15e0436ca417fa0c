"""Linear multi-task models in scikit-learn form; no torch.

A method comes as regressor (the plain name), as classifier, and each of them with its strength
chosen by cross-validation (``…CV``). `METHODS` has them by name.
"""

from ramify.linear.estimators import METHODS
from ramify.linear.estimators._base import Method, MultiTaskModel
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
from ramify.linear.losses._pointwise import Huber, Logistic, Loss, Poisson, Squared

__all__ = [
    "METHODS",
    "BlockSparse",
    "BlockSparseCV",
    "BlockSparseClassifier",
    "BlockSparseClassifierCV",
    "ClusteredTasks",
    "ClusteredTasksCV",
    "ClusteredTasksClassifier",
    "ClusteredTasksClassifierCV",
    "Dirty",
    "DirtyCV",
    "DirtyClassifier",
    "DirtyClassifierCV",
    "FeatureLearning",
    "FeatureLearningCV",
    "FeatureLearningClassifier",
    "FeatureLearningClassifierCV",
    "GraphRegularized",
    "GraphRegularizedCV",
    "GraphRegularizedClassifier",
    "GraphRegularizedClassifierCV",
    "Huber",
    "LatentBasis",
    "LatentBasisCV",
    "LatentBasisClassifier",
    "LatentBasisClassifierCV",
    "Logistic",
    "Loss",
    "MeanRegularized",
    "MeanRegularizedCV",
    "MeanRegularizedClassifier",
    "MeanRegularizedClassifierCV",
    "Method",
    "MultiTaskModel",
    "Poisson",
    "Squared",
    "TaskGrouping",
    "TaskGroupingCV",
    "TaskGroupingClassifier",
    "TaskGroupingClassifierCV",
    "TaskRelationship",
    "TaskRelationshipCV",
    "TaskRelationshipClassifier",
    "TaskRelationshipClassifierCV",
    "TraceNorm",
    "TraceNormCV",
    "TraceNormClassifier",
    "TraceNormClassifierCV",
]
