"""Every way of sharing on real data, through `ramify compare`; the tables of docs/results.

    python benchmarks/real.py                              # everything; takes many hours
    python benchmarks/real.py --data sarcos tox21 --seeds 5 --output real
    python benchmarks/real.py --data sarcos --sharing soft cross-stitch --output real
    python benchmarks/real.py --output real --write        # tables of what is there

For each data set a file is made, the command is printed and run, and the comparison's tables are
printed. A run that is stopped goes on where it was. Options after ``--`` go to `ramify compare`.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from real_data import DATA, DataSet

from ramify.records import ComparisonRecord, Gain, MethodResult

WAYS = (
    "fully-adaptive",
    "selective",
    "selective:variance",
    "selective:random",
    "selective:all",
    "selective:none",
    "soft",
    "trace-norm",
    "relationship",
    "cross-stitch",
    "sluice",
    "factorised",
    "mmoe",
    "cgc",
    "ple",
    "mtan",
)
PAGE = Path(__file__).parent.parent / "docs" / "results" / "ways_of_sharing.md"


def main() -> None:
    """Run, print, and write what was asked for."""
    asked, further = _arguments()
    root = Path(os.environ.get("RAMIFY_DATA", "../shared/data"))
    files = asked.output / "files"
    files.mkdir(parents=True, exist_ok=True)
    wanted = ([] if asked.write else list(DATA)) if asked.data is None else asked.data
    for name in wanted:
        data = DATA[name]
        command = _command(data, data.write(root, files), asked, further)
        print(f"\n{data.protocol}\n$ {_shown(command)}", flush=True)
        if subprocess.run([sys.executable, "-m", "ramify", *command], check=False).returncode:
            sys.exit(1)
    found = {name: asked.output / name / "comparison.json" for name in DATA}
    tables = [_table(DATA[name], path) for name, path in found.items() if path.exists()]
    print("\n\n".join(tables))
    if asked.write:
        head = PAGE.read_text(encoding="utf-8").split("<!-- tables -->", 1)[0]
        PAGE.write_text(head + "<!-- tables -->\n\n" + "\n\n".join(tables) + "\n", encoding="utf-8")


def _arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="*", choices=list(DATA), default=None)
    parser.add_argument("--sharing", nargs="*", default=list(WAYS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("real"))
    parser.add_argument("--write", action="store_true", help="renew the page of results")
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    return parser.parse_args(sys.argv[1:split]), sys.argv[split + 1 :]


def _command(
    data: DataSet, path: Path, asked: argparse.Namespace, further: Sequence[str]
) -> list[str]:
    output = asked.output / data.name
    command = ["compare", str(path), *shlex.split(data.options)]
    if any(name.startswith("selective") for name in asked.sharing):
        command += ["--threshold", "0.5", "--groups", str(data.n_groups)]
    command += ["--sharing", ",".join(asked.sharing), "--seeds", str(asked.seeds)]
    command += ["--processes", str(asked.processes), "--output", str(output), *further]
    return [*command, "--resume"] if output.exists() else command


def _shown(command: Sequence[str]) -> str:
    return "ramify " + shlex.join(part for part in command if part != "--resume")


def _table(data: DataSet, path: Path) -> str:
    record = ComparisonRecord.load(path)
    advice = record.recommendation
    lines = [
        f"## {data.protocol}",
        "",
        f"`real.py --data {data.name}`; {len(record.seeds)} seeds.",
        "",
        "| method | test score | gain on single-task | gain on shared | Δm, % | parameters | seconds |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(_row(method) for method in record.methods),
    ]
    if advice is not None:
        lines += [
            "",
            f"By validation: {advice.best} is best, {advice.method} the smallest as good.",
        ]
    clear = [loss for loss in record.losses if loss.clear]
    n = len({loss.task for loss in clear})
    lines += [
        "",
        f"{len(clear)} clear losses of single tasks against their own networks, {n} tasks.",
    ]
    return "\n".join(lines)


def _row(method: MethodResult) -> str:
    cells = [
        method.name,
        _number(method.test) + ("" if method.spread is None else f" ± {method.spread:.3f}"),
        _gain(method.gains.get("single-task")),
        _gain(method.gains.get("hard")),
        "" if method.delta_m is None else f"{method.delta_m:+.1f}",
        f"{method.size:,.0f}",
        f"{method.seconds:.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _gain(gain: Gain | None) -> str:
    if gain is None or gain.value is None:
        return ""
    interval = "" if gain.low is None else f" ({gain.low:+.3f} to {gain.high:+.3f})"
    return f"{gain.value:+.3f}{interval}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
