"""Every weighting with every way of sharing, on partial labels: do 200 steps stay finite?

    python -m benchmarks.all_pairs [--weightings upgrad,dwa] [--output all_pairs.json]

The pairs are those of the contract tests; the suite itself takes a sample of them.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from tests.contracts._pairs import BUILDERS, N_STEPS, PAIRS, WEIGHTINGS, fault_of

from ramify._core import StoppedError


def main() -> None:
    """Print what is not finite; fail if there is any."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weightings", help="only these, comma separated")
    parser.add_argument("--output", type=Path, help="JSON file for the result")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    started = time.monotonic()
    wanted = chosen.weightings.split(",") if chosen.weightings else list(WEIGHTINGS)
    pairs = [pair for pair in PAIRS if pair[0] in wanted]
    faults: dict[str, str] = {}
    for pair in pairs:
        try:
            fault = fault_of(pair)
        except StoppedError:
            raise
        except Exception as error:  # noqa: BLE001  # one pair's fault must not hide the others'
            fault = f"{type(error).__name__}: {error}"
        if fault:
            faults[" + ".join(pair)] = fault
            print(f"{' + '.join(pair)}: {fault}", flush=True)
    seconds = time.monotonic() - started
    print(
        f"{len(pairs) - len(faults)} of {len(pairs)} pairs ({len(wanted)} weightings, "
        f"{len(BUILDERS)} ways of sharing) are finite after {N_STEPS} steps; {seconds:.0f} s"
    )
    if chosen.output:
        chosen.output.write_text(json.dumps({"pairs": len(pairs), "faults": faults}, indent=1))
    if faults:
        sys.exit(1)


if __name__ == "__main__":
    main()
