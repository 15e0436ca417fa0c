"""Networks of every way of sharing are saved, and loaded again, by `ramify.fit`."""

from pathlib import Path

import pytest
from tests.contracts._cases import SHARINGS

import ramify
from ramify.data import planted_table
from ramify.grouping import Similarity
from ramify.runs import Run
from ramify.sharing import (
    CGC,
    MTAN,
    CrossStitch,
    Factorised,
    LowLevel,
    Relationship,
    SelectiveSharing,
    Sharing,
    Sluice,
    Soft,
)
from ramify.training import Training

WAYS: dict[str, Sharing] = {
    "selective": SelectiveSharing(estimator_width=4),
    "selective, all joined": SelectiveSharing(Similarity(2.0), estimator_width=4),
    "soft": Soft(),
    "relationship": Relationship(),
    "cross-stitch": CrossStitch(pretrain_epochs=1),
    "sluice": Sluice(),
    "factorised": Factorised("tucker", error=0.5, pretrain_epochs=1),
    "cgc": CGC(),
    "mtan": MTAN(),
    "low-level": LowLevel((("g0_t0", 0), ("g0_t1", 0), ("g1_t0", 0), ("g1_t1", 0))),
}


def run(way: Sharing) -> Run:
    frame, _ = planted_table(n_groups=2, tasks_per_group=2, rows=200, features=6)
    return ramify.fit(
        frame,
        targets="g*",
        sharing=way,
        hidden=(8, 8),
        training=Training(epochs=2),
        baselines=(),
    )


@pytest.mark.parametrize("name", WAYS)
def test_a_run_of_it_is_saved_and_predicts_the_same(name: str, tmp_path: Path) -> None:
    frame, _ = planted_table(n_groups=2, tasks_per_group=2, rows=50, features=6, seed=3)
    fitted = run(WAYS[name])
    fitted.save(tmp_path / "saved")
    again = ramify.load(tmp_path / "saved")
    assert again.predict(frame).equals(fitted.predict(frame))
    assert type(WAYS[name]) in SHARINGS
