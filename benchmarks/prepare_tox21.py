"""Makes src/ramify/data/bundled/tox21/tox21.parquet from the Tox21 labels and their fingerprints.

    python benchmarks/prepare_tox21.py

The folder with tox21.csv and ecfp4_1024_derived.npz is ../shared/data/tox21, or tox21 in the folder that
the environment variable RAMIFY_DATA names. The same input gives the same bytes with the same polars.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src" / "ramify" / "data" / "bundled" / "tox21" / "tox21.parquet"


def main() -> None:
    """Read, check, write."""
    source = Path(os.environ.get("RAMIFY_DATA", ROOT.parent / "shared" / "data")) / "tox21"
    labels = pl.read_csv(source / "tox21.csv", infer_schema=False)
    bits = np.unpackbits(np.load(source / "ecfp4_1024_derived.npz")["fp_packed"], axis=1)
    if len(bits) != len(labels):
        raise SystemExit(f"{len(labels)} rows of labels, {len(bits)} of fingerprints")
    fingerprints = pl.DataFrame({f"fp{i:04d}": bits[:, i] for i in range(bits.shape[1])})
    frame = pl.concat(
        [
            labels.with_columns(pl.exclude("smiles").cast(pl.Float64).cast(pl.Int8)),
            fingerprints.cast(pl.Boolean),
        ],
        how="horizontal",
    )
    TARGET.parent.mkdir(exist_ok=True)
    # Minimum and maximum of each of 1,037 columns would take as much room as the bits themselves.
    frame.write_parquet(
        TARGET,
        compression="zstd",
        compression_level=22,
        statistics=False,
        row_group_size=len(frame),
    )
    print(f"{TARGET.relative_to(ROOT)}: {frame.shape}, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
