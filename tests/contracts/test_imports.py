"""Every room can be the first that is imported, and every file of it the next."""

import subprocess
import sys

# Types and contracts cannot see a circle that only some order of imports runs into. A file of a room is
# imported after the room's own `__init__`, so that the rooms are the places to begin; torch stays loaded.
EVERY_ROOM_FIRST = """
import pkgutil, random, sys
from importlib import import_module
import torch
import ramify

for room in [each.name for each in pkgutil.iter_modules(ramify.__path__, "ramify.")]:
    for name in [name for name in sys.modules if name.split(".")[0] == "ramify"]:
        del sys.modules[name]
    first = import_module(room)
    files = [each.name for each in pkgutil.walk_packages(getattr(first, "__path__", []), f"{room}.")]
    random.Random(0).shuffle(files)
    for name in files:
        import_module(name)
    print(room, len(files))
"""


def test_every_room_can_be_imported_first_and_its_files_in_any_order() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EVERY_ROOM_FIRST],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 20
