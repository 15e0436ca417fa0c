"""Where and in which precision the tests compute, from the environment.

`RAMIFY_DEVICE` (cpu, cuda), `RAMIFY_DTYPE` (float32, float64), `RAMIFY_DATA` (folder of data sets).
"""

import os
from pathlib import Path

import torch

DEVICE = torch.device(os.environ.get("RAMIFY_DEVICE", "cpu"))
DTYPE = {"float32": torch.float32, "float64": torch.float64}[
    os.environ.get("RAMIFY_DTYPE", "float64")
]
_REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("RAMIFY_DATA", _REPOSITORY.parent / "shared" / "data"))
