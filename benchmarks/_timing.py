"""Compare how long things take, in one process and in turns, so that a busy machine hits all alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

CLOCKS: dict[str, Callable[[], float]] = {"cpu": time.thread_time, "wall": time.perf_counter}


@dataclass(frozen=True)
class Ratio:
    """How long one thing takes, over how long the other takes.

    Attributes:
        median: Over rounds.
        low: First quartile over rounds.
        high: Third quartile over rounds.
        microseconds: Median time of one call of the first thing.
        base_microseconds: The same of the second.
    """

    median: float
    low: float
    high: float
    microseconds: float
    base_microseconds: float

    def __str__(self) -> str:
        times = f"{self.microseconds:,.0f} µs ÷ {self.base_microseconds:,.0f} µs"
        return f"{self.median:.3f}  (quartiles {self.low:.3f} to {self.high:.3f}; {times})"


def ratios(
    calls: Mapping[str, Callable[[Any], object]],
    base: str,
    items: Sequence[Any],
    *,
    rounds: int,
    clock: str,
    block: int = 4,
) -> dict[str, Ratio]:
    """Time every call on the same items, a block of items each in turn, and divide by the base.

    Args:
        calls: What to time, by name.
        base: Name of the call that the others are divided by.
        items: What each call is given, one after the other; all of them are one round.
        rounds: How often. A tenth more comes first and does not count.
        clock: ``cpu`` is the time that this thread computed, ``wall`` the time that passed.
        block: Items that a call gets before it is the next one's turn.
    """
    now = CLOCKS[clock]
    spent = {name: np.zeros(rounds) for name in calls}
    names, turn = list(calls), 0
    for round_ in range(-max(2, rounds // 10), rounds):
        for start in range(0, len(items), block):
            turn += 1
            for name in names if turn % 2 else names[::-1]:
                before = now()
                for item in items[start : start + block]:
                    calls[name](item)
                if round_ >= 0:
                    spent[name][round_] += now() - before
    return {
        name: _ratio(spent[name] / len(items), spent[base] / len(items))
        for name in names
        if name != base
    }


def _ratio(seconds: np.ndarray, base: np.ndarray) -> Ratio:
    low, median, high = (float(q) for q in np.quantile(seconds / base, [0.25, 0.5, 0.75]))
    return Ratio(median, low, high, 1e6 * float(np.median(seconds)), 1e6 * float(np.median(base)))
