"""The bundled Tox21 table: 7,831 molecules, 12 assays, 1,024 fingerprint bits."""

from importlib import resources
from typing import Final

import polars as pl

TOX21_TARGETS: Final = (
    "NR-AR",
    "NR-AR-LBD",
    "NR-AhR",
    "NR-Aromatase",
    "NR-ER",
    "NR-ER-LBD",
    "NR-PPAR-gamma",
    "SR-ARE",
    "SR-ATAD5",
    "SR-HSE",
    "SR-MMP",
    "SR-p53",
)


def load_tox21() -> pl.DataFrame:
    """Load the bundled Tox21 table.

    Columns: ``smiles``; the twelve assays of `TOX21_TARGETS` (1 toxic, 0 not, null not measured);
    ``fp0000`` to ``fp1023``, the bits of the ECFP4 fingerprint. ``tox21/SOURCE.md`` beside this
    file names origin and licence.

    Example:
        >>> load_tox21().shape
        (7831, 1037)
    """
    with resources.as_file(
        resources.files("ramify.data.bundled") / "tox21" / "tox21.parquet"
    ) as path:
        return pl.read_parquet(path)
