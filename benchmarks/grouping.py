"""Partitions of tasks graded against the truth: every subset really trained, by others and by ourselves.

python benchmarks/grouping.py published                 # what predictors promise against what was trained
python benchmarks/grouping.py own sarcos jura --seeds 3  # truths of our own, by one stacked training
"""

import os
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Groups = tuple[tuple[int, ...], ...]
DATA: Final = Path(os.environ.get("RAMIFY_DATA", "../shared/data"))
