"""The lowest versions that pyproject.toml allows, as constraints for pip: one line a package.

PyTorch stays out unless asked for: a system has few of its versions.

    python benchmarks/lowest.py > lowest.txt
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
_BOUND = re.compile(r"([\w-]+)(?:\[.*\])?>=([\w.]+)")


def lowest(*, torch: bool) -> list[str]:
    """A constraint for each direct dependency."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    found = [_BOUND.match(each) for each in project["dependencies"]]
    pairs = [(each[1], each[2]) for each in found if each]
    return [f"{name}=={bound}" for name, bound in pairs if torch or name != "torch"]


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest(torch="--torch" in sys.argv)) + "\n")
