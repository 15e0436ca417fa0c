"""A table with two hidden groups of tasks: which tasks share, and does it pay off?"""

# ruff: noqa: T201

from pathlib import Path
from tempfile import TemporaryDirectory

import ramify
from ramify.data import planted_table
from ramify.report import verdict
from ramify.tasks import tree_lines


def main() -> None:
    """Make a table, learn it, save the run, load it, and predict."""
    frame, groups = planted_table(n_groups=2, tasks_per_group=3, rows=1500)
    targets = [name for group in groups for name in group]
    settings = ramify.Training(epochs=8, learning_rate=3e-3)
    run = ramify.fit(frame, targets, hidden=(64, 64), dropout=0.2, training=settings)
    print(verdict(run.record))
    print(*tree_lines(run.tree), sep="\n")
    with TemporaryDirectory() as folder:
        directory = Path(folder) / "run"
        run.save(directory)
        again = ramify.load(directory)
        print(sorted(each.name for each in directory.iterdir()))
        print(again.predict(frame.drop(targets)).head(3))


if __name__ == "__main__":
    main()
