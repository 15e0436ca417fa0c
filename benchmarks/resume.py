"""Kills a run at random moments, goes on with --resume, and compares with the uninterrupted run.

    python benchmarks/resume.py [--kills 20] [--signals 6] [--seed 0] [--output resume.json]
    python benchmarks/resume.py --images     # pictures, killed before, within and after widenings

``kill -9`` comes at moments drawn over the whole run, one in three resumed runs is killed again.
SIGTERM and Ctrl-C, which save the state in the middle of an epoch, are tried as well: they must
exit with 143 and 130 and print one line. Weights, description and record must be the same bit for
bit, but for times and the command.

With ``--images`` convolutional networks that learn their tree end themselves by ``kill -9`` at
widenings of the network: as one begins, when the wider network is made but nothing of it is saved,
and three steps later.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _widening_kills import MOMENTS, WAYS, make_archive, n_widenings
from _widening_kills import run as run_pictures
from safetensors import SafetensorError, safe_open

from ramify.data import planted_table

SETTINGS = [
    "--targets",
    "g*",
    "--hidden",
    "16,16",
    "--epochs",
    "3",
    "--growing-epochs",
    "2",
    "--candidates",
    "3",
    "--batch-size",
    "8",
    "--baselines",
    "single_task,shared",
    "--checkpoint-seconds",
    "0",
]
LONGEST = 300.0


@dataclass
class Trial:
    """What came of one interruption.

    Attributes:
        signal: Which signal.
        moments: Seconds after the first training at which it came; negative: before.
        found: What the run was doing, by its last saved state.
        code: Exit code of the last interrupted process.
        message: What it printed on stderr.
        identical: Whether the resumed run ended as the uninterrupted one.
        note: What differed.
    """

    signal: str
    moments: list[float]
    found: list[str]
    code: int
    message: str
    identical: bool
    note: str = ""


def start(folder: Path, output: str, *more: str) -> subprocess.Popen[str]:
    """Start the command."""
    command = [sys.executable, "-m", "ramify", "fit", "t.csv", "--output", output]
    return subprocess.Popen(
        [*command, *SETTINGS, *more],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(folder: Path, output: str, *more: str) -> str:
    """Run the command to its end; what it printed on stderr, empty if all went well."""
    process = start(folder, output, *more)
    _, err = process.communicate(timeout=LONGEST)
    return "" if process.returncode == 0 else f"exit code {process.returncode}: {err[-300:]}"


def reference(folder: Path) -> tuple[float, float]:
    """The uninterrupted run; seconds to its first file and to its end."""
    began, first = time.monotonic(), 0.0
    process = start(folder, "straight")
    while process.poll() is None:
        if not first and (folder / "straight" / "checkpoint" / "job.json").exists():
            first = time.monotonic() - began
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f"the uninterrupted run failed: {process.communicate()[1]}")
    return first, time.monotonic() - began


def interrupt(
    folder: Path, output: str, number: int, moment: float, *more: str
) -> tuple[int, str, str]:
    """Start, wait, send the signal; exit code, what was printed, and what the run was doing.

    The moment counts from the first training on, as loading takes a different time every time; a
    negative one from the start of the process.
    """
    process = start(folder, output, *more)
    job, began = folder / output / "checkpoint" / "job.json", time.time()
    while moment >= 0 and process.poll() is None:
        if job.exists() and (not more or _is_training(folder / output, began)):
            break
        time.sleep(0.002)
    try:
        _, err = process.communicate(timeout=abs(moment))
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        _, err = process.communicate(timeout=LONGEST)
    return process.returncode, err, doing(folder / output)


def _is_training(output: Path, began: float) -> bool:
    """Whether a resumed run has written a state."""
    states = list((output / "checkpoint").rglob("*.safetensors"))
    with contextlib.suppress(FileNotFoundError):
        return any(path.stat().st_mtime > began for path in states)
    return False


def doing(output: Path) -> str:
    """The phase that was under way, by the newest saved state."""
    if (output / "report.html").exists():
        return "over"
    if not output.exists():
        return "before the directory was made"
    if not (output / "checkpoint" / "job.json").exists():
        return "before training began"
    files = sorted((output / "checkpoint").rglob("*.safetensors"), key=lambda p: p.stat().st_mtime)
    states = [path for path in files if not path.name.startswith(".")]
    if not states:
        return "first epoch of tree"
    newest = states[-1]
    try:
        with safe_open(newest, framework="np") as file:
            numbers = json.loads(file.metadata()["numbers"])
    except SafetensorError:
        return "damaged state"
    where = f"{newest.parent.name}: {numbers['phase']}"
    return f"after {where}" if numbers["done"] else f"in {where}, after step {numbers['step']}"


def go_on(folder: Path, output: str) -> str:
    """Bring an interrupted run to its end."""
    if (folder / output / "report.html").exists() and not (folder / output / "checkpoint").exists():
        return ""
    return finish(folder, output, *(["--resume"] if (folder / output).exists() else []))


def comparable(record: Path) -> dict[str, Any]:
    """A record without what may differ: times, and the command."""
    found: dict[str, Any] = json.loads(record.read_text())
    for name in ("created", "seconds", "milliseconds", "command"):
        found.pop(name)
    for baseline in found["baselines"].values():
        baseline.pop("seconds")
    return found


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two finished directories."""
    files = ("model.safetensors", "model.json")
    found = [n for n in files if (one / n).read_bytes() != (other / n).read_bytes()]
    records = [comparable(each / "record.json") for each in (one, other)]
    names = [name for name in records[0] if records[0][name] != records[1][name]]
    torn = [p.name for p in other.iterdir() if p.name not in {q.name for q in one.iterdir()}]
    return found + [f"record: {name}" for name in names] + [f"left behind: {n}" for n in torn]


def kill_trial(folder: Path, name: str, moments: list[float]) -> Trial:
    """Kill, again if there are more moments, and go on."""
    found, code, err = [], 0, ""
    for moment in moments:
        more = ["--resume"] if (folder / name).exists() else []
        code, err, what = interrupt(folder, name, signal.SIGKILL, moment, *more)
        found.append(what)
        if what == "over":
            break
    problem = go_on(folder, name)
    note = problem or ", ".join(differences(folder / "straight", folder / name))
    return Trial("SIGKILL", moments, found, code, err, not note, note)


def signal_trial(folder: Path, name: str, number: signal.Signals, moment: float) -> Trial:
    """Ask to stop: the exit code and the line must be right too."""
    code, err, what = interrupt(folder, name, number, moment)
    problem = "" if what == "over" or code == 128 + number else f"exit code {code}"
    if not problem and what != "over" and (err.count("\n") != 1 or not err.startswith("error: ")):
        problem = f"printed {err!r}"
    problem = problem or go_on(folder, name)
    note = problem or ", ".join(differences(folder / "straight", folder / name))
    return Trial(number.name, [moment], [what], code, err.strip(), not note, note)


def widening_trials(folder: Path, name: str, way: list[str]) -> list[Trial]:
    """Kill a run on pictures around its first and its last widening, and go on."""
    straight = f"straight-{name}"
    run_pictures(folder, straight, way, "never", 0)
    last = n_widenings(folder, straight)
    trials = []
    for widening in sorted({1, last}) if last else ():
        for moment in MOMENTS:
            output = f"{name}-{moment}-{widening}"
            code = run_pictures(folder, output, way, moment, widening)
            found = [f"{moment} widening {widening} of {last}: {doing(folder / output)}"]
            run_pictures(folder, output, way, "never", 0, "--resume")
            note = ", ".join(differences(folder / straight, folder / output))
            note = note or ("" if code == -signal.SIGKILL else "it was not killed")
            trials.append(Trial("SIGKILL", [], found, code, "", not note, note))
            shutil.rmtree(folder / output)
    return trials


def with_pictures(output: Path | None) -> None:
    """Run all ways of growing; fail unless every trial ends identical."""
    trials: list[Trial] = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_archive(folder / "p.npz")
        for number, (words, way) in enumerate(WAYS.items()):
            found = widening_trials(folder, f"way-{number}", way)
            print(f"{words}: {len(found)} trials", flush=True)
            for trial in found:
                print(f"  {'; '.join(trial.found)}: ", end="")
                print("identical" if trial.identical else f"DIFFERENT: {trial.note}", flush=True)
            trials += found
    same = sum(trial.identical for trial in trials)
    print(f"\nkill -9 at a widening: {same} of {len(trials)} identical")
    if output:
        output.write_text(json.dumps([asdict(trial) for trial in trials], indent=1))
    if same < len(trials) or not trials:
        sys.exit(1)


def _moments(rng: np.random.Generator, first: float, total: float) -> list[float]:
    """One moment or two; one in six before training begins."""
    early = rng.random() < 1 / 6
    moments = [-rng.uniform(0.2, 1.0) * first if early else rng.uniform(0, total - first)]
    if rng.random() < 1 / 3:
        moments.append(rng.uniform(0, (total - first) / 2))
    return [round(float(moment), 3) for moment in moments]


def show(trial: Trial) -> None:
    end = "identical" if trial.identical else f"DIFFERENT: {trial.note}"
    moments = ", ".join(f"{moment:.2f} s" for moment in trial.moments)
    said = f" [{trial.code}: {trial.message}]" if trial.message else ""
    print(f"{trial.signal} at {moments} ({'; '.join(trial.found)}): {end}{said}", flush=True)


def main() -> None:
    """Run everything; fail unless every trial ends identical."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--signals", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", action="store_true", help="pictures, killed at widenings")
    parser.add_argument("--output", type=Path, help="JSON file for the result")
    chosen = parser.parse_args()
    if chosen.images:
        with_pictures(chosen.output)
        return
    rng = np.random.default_rng(chosen.seed)
    trials: list[Trial] = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        planted_table(2, 3, rows=1500, features=8, seed=3)[0].write_csv(folder / "t.csv")
        first, total = reference(folder)
        print(f"uninterrupted: {total:.1f} s, training from {first:.1f} s on", flush=True)
        for number in range(chosen.kills):
            trials.append(kill_trial(folder, f"kill-{number}", _moments(rng, first, total)))
            while trials[-1].found[0] == "over":  # too late: it was faster than before
                shutil.rmtree(folder / f"kill-{number}")
                total = first + 0.8 * (total - first)
                moments = _moments(rng, first, total)
                trials[-1] = kill_trial(folder, f"kill-{number}", moments)
            show(trials[-1])
        for number in range(chosen.signals):
            which = signal.SIGTERM if number % 2 else signal.SIGINT
            moment = _moments(rng, first, total)[0]
            trials.append(signal_trial(folder, f"signal-{number}", which, moment))
            show(trials[-1])
            shutil.rmtree(folder / f"signal-{number}", ignore_errors=True)
    counts = Counter(trial.signal for trial in trials if trial.identical)
    kills, others = counts["SIGKILL"], counts["SIGINT"] + counts["SIGTERM"]
    print(
        f"\nkill -9: {kills} of {chosen.kills} identical; SIGINT and SIGTERM: {others} of {chosen.signals}"
    )
    if chosen.output:
        result = {"kills": chosen.kills, "kills_identical": kills, "signals": chosen.signals}
        result |= {"signals_identical": others, "trials": [asdict(trial) for trial in trials]}
        chosen.output.write_text(json.dumps(result, indent=1))
    if not all(trial.identical for trial in trials):
        sys.exit(1)


if __name__ == "__main__":
    main()
