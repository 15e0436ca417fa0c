"""What a case of `bad_inputs.py` is, and what all of its parts share."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SMALL = [
    *("--hidden", "8,8", "--epochs", "1", "--growing-epochs", "1"),
    *("--candidates", "2", "--baselines", "none"),
]
FIT = ["fit", "t.csv", "--targets", "g*", "--output", "out", *SMALL]


@dataclass
class Case:
    """An input, what it must print, and whether it must work."""

    part: str
    name: str
    prints: str
    command: Sequence[str] = tuple(FIT)
    prepare: Callable[[Path], object] = lambda folder: None
    works: bool = False
    around: Callable[[Path], contextlib.AbstractContextManager[None]] = field(
        default=lambda folder: contextlib.nullcontext()
    )
    keeps_state: bool = False


def write(name: str, content: str | bytes) -> Callable[[Path], object]:
    """A preparation that writes a file."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / name).write_bytes(data)
