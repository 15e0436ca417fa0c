"""How much memory this process may use."""

import os
from pathlib import Path
from typing import Final

# The limit of the container that the process runs in; of the second and the first kind of cgroup.
_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def machine_memory() -> int | None:
    """Bytes that the machine has, or its container allows; None where the system does not say."""
    known = [_limit_in(path) for path in _LIMITS]
    try:
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # not every system can be asked
        known.append(None)
    return min((each for each in known if each is not None), default=None)


def _limit_in(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))  # "max" where there is no limit
    except (OSError, ValueError):
        return None
