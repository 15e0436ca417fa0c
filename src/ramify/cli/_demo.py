"""``ramify demo``: the main job on the bundled Tox21 table."""

from pathlib import Path

from ramify.cli._fit import fit_and_show
from ramify.data import TOX21_TARGETS, load_tox21, open_table
from ramify.runs import Options
from ramify.sharing import FullyAdaptive
from ramify.training import Training


def demo(output: Path = Path("ramify-demo"), *, seed: int = 0, overwrite: bool = False) -> None:
    """Find out which of the 12 toxicity assays of Tox21 should share what.

    Args:
        output: Directory for model, record and report.
        seed: Random seed.
        overwrite: Replace what the output directory holds.
    """
    options = Options(
        targets=TOX21_TARGETS,
        ignore=("smiles",),
        sharing=FullyAdaptive(seed=seed),
        training=Training(effort="quick"),
        seed=seed,
    )
    fit_and_show(
        open_table(load_tox21(), "Tox21"), options, output, resume=False, overwrite=overwrite
    )
