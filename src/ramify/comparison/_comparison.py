"""A finished comparison: the record, and what one does with it."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

import polars as pl

from ramify._core import InputError, listed, quoted
from ramify.comparison._directory import COMPARISON_FILE, COMPARISON_PAGE
from ramify.records import ComparisonRecord
from ramify.report import recommendation, render_comparison, write_comparison


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `ramify.compare` gives.

    Attributes:
        record: Everything that the comparison did and found.
    """

    record: ComparisonRecord

    @property
    def recommendation(self) -> str:
        """What to take, in a sentence."""
        return recommendation(self.record)

    def leaderboard(self) -> pl.DataFrame:
        """A row per method, from the highest mean test skill to the lowest."""
        return pl.DataFrame(
            {
                "method": [each.name for each in self.record.methods],
                "test": [each.test for each in self.record.methods],
                "spread": [each.spread for each in self.record.methods],
                "validation": [each.validation for each in self.record.methods],
                "delta_m": [each.delta_m for each in self.record.methods],
                "size": [each.size for each in self.record.methods],
                "seconds": [each.seconds for each in self.record.methods],
            },
            schema_overrides=dict.fromkeys(("test", "spread", "validation", "delta_m"), pl.Float64),
        )

    def _repr_html_(self) -> str:
        """What to take and the leaderboard, for notebooks."""
        table = self.leaderboard()._repr_html_()
        return f"<p>{escape(self.recommendation)}</p>{table}"

    def report(self) -> str:
        """The HTML page."""
        return render_comparison(self.record)

    def save(self, directory: str | Path, *, overwrite: bool = False) -> None:
        """Write record and page into a directory.

        Args:
            directory: Made if missing.
            overwrite: Whether to replace a comparison that is there.

        Raises:
            InputError: If one is there and ``overwrite`` is not set.
        """
        folder = Path(directory)
        names = (COMPARISON_FILE, COMPARISON_PAGE)
        there = [name for name in names if (folder / name).exists()]
        if there and not overwrite:
            raise InputError(
                f"{quoted(folder)} already holds {listed(there)}; choose another directory or set "
                "`overwrite`"
            )
        folder.mkdir(parents=True, exist_ok=True)
        self.record.save(folder / COMPARISON_FILE)
        write_comparison(self.record, folder / COMPARISON_PAGE)

    @classmethod
    def load(cls, directory: str | Path) -> "Comparison":
        """Read a comparison that was saved.

        Args:
            directory: What ``ramify compare --output`` or `save` wrote.

        Raises:
            ModelFileError: If the record is missing, damaged, or of a newer version.
        """
        return cls(ComparisonRecord.load(Path(directory) / COMPARISON_FILE))
