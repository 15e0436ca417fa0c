"""The main job on a table: prepare, train, compare, record, save, load, predict."""

from ramify.runs._auxiliary import Auxiliary
from ramify.runs._deciding import deciding
from ramify.runs._directory import can_be_resumed, holds_run
from ramify.runs._evaluating import Evaluation, evaluated
from ramify.runs._fit import fit, fit_and_score, run_table
from ramify.runs._inputs import TableInputs
from ramify.runs._model import Model
from ramify.runs._options import IMAGE_WEIGHT_DECAY, Options
from ramify.runs._output_columns import output_names
from ramify.runs._predicting import (
    NamedImages,
    PredictionRows,
    raw_batches,
    write_predictions,
)
from ramify.runs._prepared import Prepared, SideRows, prepare
from ramify.runs._register import STRATEGIES, register, strategy_named
from ramify.runs._run import Run, load
from ramify.runs.methods import (
    LINEAR_METHODS,
    PER_TASK,
    TABLE_DEFAULT,
    Auto,
    Finished,
    Job,
    LinearSharing,
    Method,
    RandomForest,
    RidgeLogistic,
    fit_strategy,
    forests,
    stages_in_lists,
)

__all__ = [
    "IMAGE_WEIGHT_DECAY",
    "LINEAR_METHODS",
    "PER_TASK",
    "STRATEGIES",
    "TABLE_DEFAULT",
    "Auto",
    "Auxiliary",
    "Evaluation",
    "Finished",
    "Job",
    "LinearSharing",
    "Method",
    "Model",
    "NamedImages",
    "Options",
    "PredictionRows",
    "Prepared",
    "RandomForest",
    "RidgeLogistic",
    "Run",
    "SideRows",
    "TableInputs",
    "can_be_resumed",
    "deciding",
    "evaluated",
    "fit",
    "fit_and_score",
    "fit_strategy",
    "forests",
    "holds_run",
    "load",
    "output_names",
    "prepare",
    "raw_batches",
    "register",
    "run_table",
    "stages_in_lists",
    "strategy_named",
    "write_predictions",
]
