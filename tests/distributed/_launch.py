"""Run a function of `_work` in two processes that meet over a file.

As a program: ``python -m tests.distributed._launch NAME RANK FOLDER``.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import distributed

WORLD = 2
_ROOT = Path(__file__).resolve().parents[2]
Result = dict[str, Any]


def in_two_processes(work: str, folder: Path, seconds: float = 240.0) -> list[Result]:
    """What each rank gave; fails if one of them fails or they wait for each other for ever."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(_ROOT / "src"), str(_ROOT)]),
        "OMP_NUM_THREADS": "1",
    }
    processes = []
    for rank in range(WORLD):
        # lightning-fabric reads these; with a group that exists already it makes none of its own.
        place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0"}
        sizes = {"WORLD_SIZE": str(WORLD), "LOCAL_WORLD_SIZE": str(WORLD)}
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", "TORCHELASTIC_RUN_ID": "tests"}
        command = [sys.executable, "-m", "tests.distributed._launch", work, str(rank), str(folder)]
        with (folder / f"log-{rank}").open("w") as log:
            processes.append(
                subprocess.Popen(
                    command,
                    env=environment | place | sizes | meeting,
                    cwd=_ROOT,
                    stdout=log,
                    stderr=log,
                )
            )
    end = time.monotonic() + seconds
    while any(process.poll() is None for process in processes) and time.monotonic() < end:
        if any(process.poll() not in (None, 0) for process in processes):
            break  # the other one would wait for it for ever
        time.sleep(0.05)
    failed = [process.poll() != 0 for process in processes]
    for process in processes:
        process.kill()
        process.wait()
    if any(failed):
        logs = [(folder / f"log-{rank}").read_text()[-3000:] for rank in range(WORLD)]
        raise AssertionError("\n".join(["a process failed or did not end", *logs]))
    return [torch.load(folder / f"result-{rank}", weights_only=False) for rank in range(WORLD)]


def _run(work: str, rank: int, folder: Path) -> None:
    from tests.distributed import _work  # noqa: PLC0415  # only the started process needs it

    torch.set_num_threads(1)
    store = distributed.FileStore(  # type: ignore[attr-defined]  # torch says so
        str(folder / "store"), WORLD
    )
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=WORLD)
    torch.save(getattr(_work, work)(rank), folder / f"result-{rank}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    _run(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
