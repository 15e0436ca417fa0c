"""ramify learns which tasks should share which layers of a network while it trains.

From a table with many, partly missing targets to a tree, a model and an honest comparison:

>>> import ramify  # doctest: +SKIP
>>> run = ramify.fit("table.csv", targets="NR-*")  # doctest: +SKIP
>>> print(run.tree.widths, run.record.delta_m)  # doctest: +SKIP

Underneath are the pieces for a backbone and loaders of one's own: `Task`, `TaskSet`,
`SharingTree`, `BranchedNetwork`, `FullyAdaptive`, `HardSharing`, `SingleTask`, `Trainer`.
Names are imported when first used, so that ``import ramify`` stays light.
"""

from typing import TYPE_CHECKING

from ramify._core import InputError, RamifyError, lazy_names

if TYPE_CHECKING:
    from ramify.comparison import compare
    from ramify.estimators import MultiTaskClassifier, MultiTaskEstimator, MultiTaskRegressor
    from ramify.networks import (
        BranchedNetwork,
        CNNSpec,
        MLPSpec,
        ResNetSpec,
        VGGSpec,
        cnn,
        mlp,
        resnet,
        vgg16,
    )
    from ramify.runs import Auxiliary, Run, fit, load, register
    from ramify.sharing import FixedTree, FullyAdaptive, HardSharing, SingleTask
    from ramify.tasks import (
        Binary,
        Multiclass,
        Ordinal,
        Ranking,
        Regression,
        SharingTree,
        Task,
        TaskSet,
    )
    from ramify.training import Trainer, Training
    from ramify.trials import TaskGroups, group_tasks

__version__ = "0.1.0"

__all__ = [
    "Auxiliary",
    "Binary",
    "BranchedNetwork",
    "CNNSpec",
    "FixedTree",
    "FullyAdaptive",
    "HardSharing",
    "InputError",
    "MLPSpec",
    "MultiTaskClassifier",
    "MultiTaskEstimator",
    "MultiTaskRegressor",
    "Multiclass",
    "Ordinal",
    "RamifyError",
    "Ranking",
    "Regression",
    "ResNetSpec",
    "Run",
    "SharingTree",
    "SingleTask",
    "Task",
    "TaskGroups",
    "TaskSet",
    "Trainer",
    "Training",
    "VGGSpec",
    "cnn",
    "compare",
    "fit",
    "group_tasks",
    "load",
    "mlp",
    "register",
    "resnet",
    "vgg16",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Auxiliary": "ramify.runs",
        "Binary": "ramify.tasks",
        "BranchedNetwork": "ramify.networks",
        "CNNSpec": "ramify.networks",
        "FixedTree": "ramify.sharing",
        "FullyAdaptive": "ramify.sharing",
        "HardSharing": "ramify.sharing",
        "MLPSpec": "ramify.networks",
        "MultiTaskClassifier": "ramify.estimators",
        "MultiTaskEstimator": "ramify.estimators",
        "MultiTaskRegressor": "ramify.estimators",
        "Multiclass": "ramify.tasks",
        "Ordinal": "ramify.tasks",
        "Ranking": "ramify.tasks",
        "Regression": "ramify.tasks",
        "ResNetSpec": "ramify.networks",
        "Run": "ramify.runs",
        "SharingTree": "ramify.tasks",
        "SingleTask": "ramify.sharing",
        "Task": "ramify.tasks",
        "TaskGroups": "ramify.trials",
        "TaskSet": "ramify.tasks",
        "Trainer": "ramify.training",
        "Training": "ramify.training",
        "VGGSpec": "ramify.networks",
        "cnn": "ramify.networks",
        "compare": "ramify.comparison",
        "fit": "ramify.runs",
        "group_tasks": "ramify.trials",
        "load": "ramify.runs",
        "mlp": "ramify.networks",
        "register": "ramify.runs",
        "resnet": "ramify.networks",
        "vgg16": "ramify.networks",
    },
)


def __dir__() -> list[str]:
    """All names, those that are not imported yet too, for tab completion."""
    return sorted({*globals(), *__all__})
