"""The main job on a table: prepare, train, compare, record, save, load, predict."""

from ramify.runs._directory import RECORD_FILE, REPORT_FILE, can_be_resumed
from ramify.runs._fit import fit, run_table
from ramify.runs._model import Model
from ramify.runs._options import BASELINES, Options
from ramify.runs._predicting import output_names, write_predictions
from ramify.runs._prepared import Prepared, prepare
from ramify.runs._run import Run, load

__all__ = [
    "BASELINES",
    "RECORD_FILE",
    "REPORT_FILE",
    "Model",
    "Options",
    "Prepared",
    "Run",
    "can_be_resumed",
    "fit",
    "load",
    "output_names",
    "prepare",
    "run_table",
    "write_predictions",
]
