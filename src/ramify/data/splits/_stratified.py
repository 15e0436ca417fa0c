"""Units of rows divided so that every side has its share of every label, the rare ones first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from ramify.data.tables import LabelMask, Targets
from ramify.tasks import Regression, TaskSet

_BINS: Final = 5
_FEW: Final = 512  # units that are dealt one by one; more of them fall evenly enough by chance
_FEWEST: Final = 3
_LARGE: Final = 0.1
_TRIES: Final = 1000
_SAMPLE: Final = 20_000


@dataclass(frozen=True, eq=False)
class Strata:
    """The labels of rows as places of counts, so that each label can be counted on its own.

    Attributes:
        places: For each row and task the place of its label; `n_labels` where there is none.
        n_labels: How many different labels the tasks have together.
    """

    places: Int64[np.ndarray, "row task"]
    n_labels: int

    @classmethod
    def of(cls, tasks: TaskSet, targets: Targets, label_mask: LabelMask) -> "Strata":
        """Number the labels: of classes each, of numbers a fifth of them at a time.

        Args:
            tasks: The tasks.
            targets: What `read_targets` gives.
            label_mask: True where a label was observed.
        """
        places = np.empty(targets.shape, dtype=np.int64)
        start = 0
        for t, task in enumerate(tasks):
            observed = label_mask[:, t]
            if task.kind.labels:
                codes, n = targets[:, t].astype(np.int64), len(task.kind.labels)
            else:
                codes, n = _binned(targets[:, t], observed), _BINS
            if not isinstance(task.kind, Regression) and not task.kind.labels:
                codes, n = np.zeros(len(targets), dtype=np.int64), 1
            places[:, t] = np.where(observed, start + codes, -1)
            start += n
        places[places < 0] = start
        return cls(places, start)

    @classmethod
    def of_presence(cls, label_mask: LabelMask) -> "Strata":
        """Strata of rows of which only is known whether they have a label of each task.

        Args:
            label_mask: True where a label was observed.
        """
        n_tasks = label_mask.shape[1]
        return cls(np.where(label_mask, np.arange(n_tasks), n_tasks).astype(np.int64), n_tasks)

    def select(self, rows: Int64[np.ndarray, " chosen"]) -> "Strata":
        """The labels of some rows."""
        return Strata(self.places[rows], self.n_labels)

    def counts(self, rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.int64]:
        """How often each label occurs in some rows."""
        found = np.bincount(self.places[rows].ravel(), minlength=self.n_labels + 1)
        return found[: self.n_labels].astype(np.int64)


def _binned(values: NDArray[np.float64], observed: NDArray[np.bool_]) -> NDArray[np.int64]:
    known = values[observed]
    if len(known) == 0:
        return np.zeros(len(values), dtype=np.int64)
    some = known[:: -(-len(known) // _SAMPLE)]
    edges = np.quantile(some, np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.searchsorted(edges, values).astype(np.int64)


def divide(
    strata: Strata,
    units: Int64[np.ndarray, " row"],
    sizes: Sequence[int],
    rng: np.random.Generator,
) -> Int64[np.ndarray, " row"]:
    """Deal units of rows to sides, so that each side gets its share of rows and of each label.

    Labels are dealt in turn, always the one with the fewest rows left: it has least choice. Few
    units go one by one to the side that lacks most of their labels; many are cut at random in the
    proportions of what the sides lack. At the end units are exchanged until a label of three units
    or more is on every side, where that is possible.

    Args:
        strata: The labels of the rows.
        units: Number of each row's unit, from 0; the rows of a unit stay together.
        sizes: Rows that each side is to have.
        rng: Source of chance.

    Returns:
        The side of each row.

    References:
        Sechidis, Tsoumakas, Vlahavas. *On the Stratification of Multi-Label Data*, ECML 2011. There
        rows are dealt one by one; here many rows of a label at once, so that a million take seconds.
    """
    dealer = _Dealer(strata, units, np.asarray(sizes, dtype=np.float64), rng)
    dealer.deal_large_units()
    while (label := dealer.rarest_label()) is not None:
        dealer.deal_label(label)
    dealer.cut(np.flatnonzero(dealer.side_of_unit < 0), dealer.lacking_rows)
    dealer.fill_empty_sides()
    dealer.bring_absent_labels()
    sides: Int64[np.ndarray, " row"] = dealer.side_of_unit[units]
    return sides


class _Dealer:
    """What has been dealt so far, and what each side still lacks."""

    def __init__(
        self,
        strata: Strata,
        units: NDArray[np.int64],
        sizes: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        self.places, self.units, self.rng = strata.places, units, rng
        self.n_rows = np.bincount(units)  # of each unit
        self.order = np.argsort(units, kind="stable")
        self.ends = np.cumsum(self.n_rows)
        self.side_of_unit = np.full(len(self.n_rows), -1, dtype=np.int64)
        self.lacking_rows = sizes.copy()
        # One place more stands for missing labels, so that a row's places need no test.
        self.left = np.append(strata.counts(), 0)
        self.n_labels = strata.n_labels
        self.lacking = (sizes / sizes.sum())[:, None] * self.left
        self._ask_for_one()
        self.wanted = np.maximum(self.lacking, 1e-9)
        self.rarity = 1 / np.maximum(self.left, 1)
        self.task_of_label = np.full(self.n_labels, -1)
        for t in range(self.places.shape[1]):
            own = np.unique(self.places[:, t])
            self.task_of_label[own[own < self.n_labels]] = t

    def _ask_for_one(self) -> None:
        """Let each side lack one label at least, at the cost of the largest, where there are enough."""
        least = np.where(self.left >= _FEWEST, 1.0, 0.0)
        raised = np.maximum(self.lacking, least)
        excess = (raised - self.lacking).sum(axis=0)
        largest = int(np.argmax(self.lacking_rows))
        raised[largest] = np.maximum(raised[largest] - excess, least)
        self.lacking = raised

    def deal_large_units(self) -> None:
        """Deal those that are a good part of the smallest side, each to the side that lacks most."""
        large = np.flatnonzero(self.n_rows > max(2.0, _LARGE * self.lacking_rows.min()))
        large = self.rng.permutation(large)
        empty, n_left = set(self._sides), len(self.n_rows)
        for unit in large[np.argsort(-self.n_rows[large], kind="stable")].tolist():
            # No more units than sides without one: each of these gets one.
            sides = sorted(empty) if n_left <= len(empty) else list(self._sides)
            side = max(sides, key=lambda s: self.lacking_rows[s])
            self._give(unit, side)
            empty.discard(side)
            n_left -= 1

    def rarest_label(self) -> int | None:
        """The label with the fewest rows left; None if no row is."""
        left = self.left[:-1]
        if not left.any():
            return None
        return int(np.argmin(np.where(left > 0, left, np.iinfo(np.int64).max)))

    def deal_label(self, label: int) -> None:
        """Deal all units with a label."""
        rows = np.flatnonzero(self.places[:, self.task_of_label[label]] == label)
        rows = rows[self.side_of_unit[self.units[rows]] < 0]
        found, counts = np.unique(self.units[rows], return_counts=True)
        if len(found) > _FEW:
            self.cut(found, self.lacking[:, label])
            return
        shuffled = self.rng.permutation(len(found))
        for place in shuffled[np.argsort(-counts[shuffled], kind="stable")].tolist():
            self._give(int(found[place]), self._neediest(int(found[place])))

    def cut(self, found: NDArray[np.int64], wanted: NDArray[np.float64]) -> None:
        """Deal many units in random order: the first to one side, the next to another.

        Args:
            found: The units.
            wanted: In which proportions.
        """
        found = self.rng.permutation(found)
        if len(found) == 0:
            return
        n_rows = self.n_rows[found]
        middles = np.cumsum(n_rows) - n_rows / 2
        ends = np.cumsum(_whole(self._portions(int(n_rows.sum()), wanted)))
        sides = np.minimum(np.searchsorted(ends, middles), len(ends) - 1)
        self.side_of_unit[found] = sides
        for side in range(len(ends)):
            rows = self._rows(found[sides == side])
            counts = np.bincount(self.places[rows].ravel(), minlength=len(self.left))
            self.lacking[side] -= counts
            self.lacking_rows[side] -= len(rows)
            self.left -= counts
        self.left[-1] = 0

    def fill_empty_sides(self) -> None:
        """Give a side without a unit the smallest one of a side that has several."""
        for side in self._sides:
            n_units = np.bincount(self.side_of_unit, minlength=len(self.lacking_rows))
            spare = np.flatnonzero(n_units[self.side_of_unit] > 1)
            if n_units[side] == 0 and len(spare):
                self.side_of_unit[spare[np.argmin(self.n_rows[spare])]] = side

    def bring_absent_labels(self) -> None:
        """Exchange units until labels that are frequent enough are on every side."""
        counts = np.stack(
            [
                np.bincount(self.places[rows].ravel(), minlength=len(self.left))
                for rows in (
                    self._rows(np.flatnonzero(self.side_of_unit == s)) for s in self._sides
                )
            ]
        )
        enough = counts.sum(axis=0) >= _FEWEST
        enough[-1] = False
        for side, label in np.argwhere((counts == 0) & enough).tolist():
            if counts[side, label] == 0 and (unit := self._to_spare(counts, label, -1)) is not None:
                source = int(self.side_of_unit[unit])
                self._move(counts, unit, side)
                back = self._to_spare(counts, None, side, int(self.n_rows[unit]))
                if back is not None:
                    self._move(counts, back, source)

    @property
    def _sides(self) -> range:
        return range(len(self.lacking_rows))

    def _to_spare(
        self, counts: NDArray[np.int64], label: int | None, side: int, n_rows: int | None = None
    ) -> int | None:
        """A unit whose side keeps one at least of each of its labels when it goes; None without.

        Args:
            counts: Labels on each side.
            label: One that it must have.
            side: Where it must be; -1 for anywhere.
            n_rows: How many rows it must have.
        """
        if label is None:
            units = self.rng.permutation(np.flatnonzero(self.side_of_unit == side))
        else:
            rows = np.flatnonzero(self.places[:, self.task_of_label[label]] == label)
            units = self.rng.permutation(np.unique(self.units[rows]))
        for unit in units[:_TRIES].tolist():
            own = np.bincount(self.places[self._rows_of(unit)].ravel(), minlength=len(self.left))
            here = counts[self.side_of_unit[unit]]
            if (n_rows is None or self.n_rows[unit] == n_rows) and (here - own)[own > 0].min() > 0:
                return int(unit)
        return None

    def _move(self, counts: NDArray[np.int64], unit: int, side: int) -> None:
        own = np.bincount(self.places[self._rows_of(unit)].ravel(), minlength=len(self.left))
        counts[self.side_of_unit[unit]] -= own
        counts[side] += own
        self.side_of_unit[unit] = side

    def _portions(self, n_rows: int, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows for each side: as it wants, as far as it has room, the rest where there is room."""
        room = np.maximum(self.lacking_rows, 0.0)
        wanted = np.maximum(wanted, 0.0)
        wanted = wanted if wanted.sum() > 0 else room
        portions = np.minimum(n_rows * wanted / max(float(wanted.sum()), 1e-9), room)
        spare, rest = room - portions, n_rows - float(portions.sum())
        if rest > 0:
            portions += rest * (spare / spare.sum() if spare.sum() > 0 else 1 / len(spare))
        return portions

    def _neediest(self, unit: int) -> int:
        """The side that lacks most of a unit's labels, among those with room.

        Of each label the part counts that a side still lacks of what it is to have, and rare labels
        count more: there is less to choose from later.
        """
        room = self.lacking_rows >= self.n_rows[unit] / 2
        if not room.any():
            return int(np.argmax(self.lacking_rows))
        labels = self.places[self._rows_of(unit)].ravel()
        labels = labels[labels < self.n_labels]
        need = (self.lacking[:, labels] / self.wanted[:, labels] * self.rarity[labels]).sum(axis=1)
        return int(np.argmax(np.where(room, need, -np.inf)))

    def _give(self, unit: int, side: int) -> None:
        rows = self._rows_of(unit)
        counts = np.bincount(self.places[rows].ravel(), minlength=len(self.left))
        self.side_of_unit[unit] = side
        self.lacking[side] -= counts
        self.lacking_rows[side] -= len(rows)
        self.left -= counts
        self.left[-1] = 0

    def _rows_of(self, unit: int) -> NDArray[np.int64]:
        return self.order[self.ends[unit] - self.n_rows[unit] : self.ends[unit]]

    def _rows(self, found: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of some units."""
        n_rows = self.n_rows[found]
        starts = self.ends[found] - n_rows
        within = np.arange(int(n_rows.sum())) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows)
        rows: NDArray[np.int64] = self.order[np.repeat(starts, n_rows) + within]
        return rows


def _whole(portions: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers with the same sum, each the nearest as far as the sum allows."""
    floors = np.floor(portions + 1e-9)
    short = round(float(portions.sum() - floors.sum()))
    floors[np.argsort(floors - portions, kind="stable")[:short]] += 1
    return floors.astype(np.int64)
