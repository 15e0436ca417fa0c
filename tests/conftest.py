"""Every test starts from one state of the random numbers, and computes deterministically."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

# Before numpy is loaded: several tests run at once, and threads that wait for each other cost
# four times what they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
import torch
from tests.settings import DATA, DEVICE

# Hypothesis is for pure combinatorics only; the same examples every time.
hypothesis.settings.register_profile(
    "fixed",
    derandomize=True,
    max_examples=60,
    deadline=None,
    database=None,
    # Slow under the shape hook, and where several jobs share a core.
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("fixed")

DataFolder = Callable[[str], Path]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """The last bits of a sum depend on the number of threads, and several tests run at once."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def deterministic() -> Iterator[None]:
    """Seed the test's own numbers; the library must not depend on it."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)
    yield
    torch.use_deterministic_algorithms(before)


@pytest.fixture
def device() -> torch.device:
    return DEVICE


@pytest.fixture
def ramify_data() -> DataFolder:
    """The folder of a data set by name; without it the test is skipped, and says which."""

    def folder(name: str) -> Path:
        if not (DATA / name).is_dir():
            pytest.skip(f"no data set {name!r} in {DATA} (set RAMIFY_DATA)")
        return DATA / name

    return folder
