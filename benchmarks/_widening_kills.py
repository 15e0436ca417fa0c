"""Runs on pictures that are killed before, within and after a chosen widening of the network."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

WAYS: dict[str, list[str]] = {
    "path, thin VGG-16": ["--width", "8", "--candidates", "3"],
    "stage by stage, thin VGG-16": ["--width", "8", "--alpha", "0.3"],
    "path, ResNet-18": ["--backbone", "resnet18", "--width", "8", "--candidates", "3"],
    "the paper's, thin VGG-16": [
        *("--paper", "--width", "8", "--alpha", "0.3"),
        *("--iterations", "60", "--interval", "10"),
    ],
}
SHARED = [
    *("--targets", "a*,b*", "--epochs", "2", "--growing-epochs", "1", "--batch-size", "16"),
    *("--baselines", "none", "--checkpoint-seconds", "0"),
]
MOMENTS = ("before", "within", "after")
LONGEST = 300.0

# What a run does besides: it writes down its widenings, and ends itself by `kill -9` in one.
_CODE = """
import os, signal, sys
from pathlib import Path
from torch.optim.optimizer import register_optimizer_step_post_hook
from ramify.networks import BranchedNetwork
from ramify.cli import main

moment, chosen = sys.argv[1], int(sys.argv[2])
grown, count, steps = BranchedNetwork.regrown, 0, 0

def die_at(name):
    if count == chosen and moment == name:
        os.kill(os.getpid(), signal.SIGKILL)

def regrown(*args, **settings):
    global count, steps
    count, steps = count + 1, 0
    die_at("before")
    wider = grown(*args, **settings)
    Path(sys.argv[3]).write_text(str(count))
    die_at("within")
    return wider

def after_step(*_):
    global steps
    steps += 1
    if steps == 3:
        die_at("after")

BranchedNetwork.regrown = regrown
register_optimizer_step_post_hook(after_step)
main(sys.argv[4:])
"""


def make_archive(path: Path, n_rows: int = 120) -> None:
    """Pictures with two groups of tasks: where it is bright from left to right, and up and down."""
    rng = np.random.default_rng(0)
    across, down = rng.random((2, n_rows))
    place = np.linspace(0, 1, 16)
    bright = np.exp(-20 * (place - across[:, None]) ** 2)[:, None, :] * 120
    bright = bright + np.exp(-20 * (place - down[:, None]) ** 2)[:, :, None] * 120
    pixels = (bright + rng.integers(0, 15, bright.shape)).astype(np.uint8)
    targets = {f"a{i}": across > 0.3 + 0.2 * i for i in range(3)}
    targets |= {f"b{i}": down > 0.3 + 0.2 * i for i in range(3)}
    np.savez(path, pictures=pixels, **targets)


def run(folder: Path, output: str, way: list[str], moment: str, widening: int, *more: str) -> int:
    """Run the command; its exit code.

    Args:
        folder: Where the archive lies.
        output: Directory of the run.
        way: Options of the network and of growing.
        moment: ``before``, ``within`` or ``after``; anything else to run to the end.
        widening: At which one to be killed, from 1.
        more: Further options.

    Raises:
        SystemExit: If it fails otherwise than by the signal.
    """
    command = ["fit", "p.npz", "--output", output, *SHARED, *way, *more]
    done = subprocess.run(
        [sys.executable, "-c", _CODE, moment, str(widening), f"{output}.count", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if done.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(f"{output}: exit code {done.returncode}: {done.stderr[-600:]}")
    return done.returncode


def n_widenings(folder: Path, output: str) -> int:
    """How often a run that reached its end was widened."""
    path = folder / f"{output}.count"
    return int(path.read_text()) if path.exists() else 0
