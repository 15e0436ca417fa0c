"""What takes part in a comparison: a way of sharing by a name, made anew for each seed."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from ramify._core import InputError, Setting, checked, listed, quoted
from ramify.data import ImageData, Table
from ramify.runs import PER_TASK, Options
from ramify.sharing import REFERENCES, Strategy
from ramify.tasks import TaskSet
from ramify.training import Training
from ramify.weighting import GramWeighting, Weighting, as_weighting

Decisive = dict[str, Setting]
"""What decides a result, by name."""

# The second half is the name of a weighting, see `crossed`.
_NAME: Final = re.compile(r"[A-Za-z0-9][\w:.+-]{0,59}( \+ [\w:.+-]{1,60})?")


@checked
@dataclass(frozen=True)
class Contender:
    """A way of sharing that takes part.

    Attributes:
        name: The word for it, also in file names.
        make: From a seed to a fresh way of sharing; several processes call it.
        weighting: How much each task counts; None for what training says.

    Raises:
        InputError: If the name is no plain word.

    Example:
        >>> from ramify.sharing import HardSharing
        >>> Contender("hard", lambda seed: HardSharing()).strategy.label
        'one shared network'
    """

    name: str
    make: Callable[[int], Strategy]
    weighting: Weighting | None = None

    def __post_init__(self) -> None:
        """Check the name, of which a file name is made."""
        if not _NAME.fullmatch(self.name):
            raise InputError(
                "`name` of a method must be a word of letters, digits and _ : . + -. "
                f"Got {quoted(self.name)}"
            )

    @property
    def strategy(self) -> Strategy:
        """One of it, for what it says of itself."""
        return self.make(0)

    @property
    def is_weighable(self) -> bool:
        """Whether a weighting can change what it learns of the tasks together."""
        return self.strategy.shares and self.strategy.trained_by_steps

    @property
    def variant(self) -> str:
        """What sets its files apart where it tries several settings by itself; else empty."""
        n_trials = self.strategy.n_trials
        return f"-best-of-{n_trials + 1}" if n_trials else ""

    def settings(self, options: Options, tasks: TaskSet) -> Decisive:
        """All settings that decide its result, beside the data.

        Args:
            options: The settings, with the seed.
            tasks: The tasks.

        Raises:
            InputError: If they do not fit it, or growing takes all epochs.
        """
        adapted = self.adapted(options, tasks)
        sharing = adapted.sharing
        sharing.check(tasks, 0)
        as_weighting(adapted.training.weighting).check(len(tasks))
        own = {f"sharing.{name}": value for name, value in sharing.settings().items()}
        return {**adapted.settings(), "sharing": sharing.word, **own}

    def adapted(self, options: Options, tasks: TaskSet) -> Options:
        """The options of one run, with the epochs that the growing of a network leaves.

        Args:
            options: The settings, with the seed.
            tasks: The tasks.

        Raises:
            InputError: If growing takes all epochs.
        """
        sharing, training = self.make(options.seed), options.training
        if training.epochs is not None:
            left = self._epochs_left(training.epochs, sharing, training, tasks)
            training = replace(training, epochs=left)
        weighting = self.weighting or as_weighting(training.weighting)
        training = replace(
            training,
            weighting=weighting,
            # What does not look at gradients is the same run with and without.
            exact_gradients=training.exact_gradients and isinstance(weighting, GramWeighting),
        )
        return replace(options, sharing=sharing, training=training, baselines=())

    def _epochs_left(
        self, epochs: int, sharing: Strategy, training: Training, tasks: TaskSet
    ) -> int:
        growing = training.warm_up_epochs(sharing.warm_up_epochs(len(tasks)))
        if epochs > growing:
            return epochs - growing
        raise InputError(
            f"must be more than the {growing} {sharing.warm_up_words} of {self.name}",
            argument="epochs",
            got=str(epochs),
        )


@dataclass(frozen=True, eq=False)
class Work:
    """One seed and one set of settings for one contender.

    Attributes:
        contender: Who does it.
        table: The table; or pictures with the table of their labels.
        options: The settings, with the seed.
        trial: Number of the settings.
        job: What decides the result.
        tasks: The tasks.
        folder: Where a training keeps its state.
        result: Where the result is written.
        threads: Threads of the arithmetic.
    """

    contender: Contender
    table: Table | ImageData
    options: Options
    trial: int
    job: Decisive
    tasks: TaskSet
    folder: Path
    result: Path
    threads: int


# Functions with a name, since not every way into another process takes others.
def _made(kind: type[Strategy], _seed: int) -> Strategy:
    return kind()


def _trying(make: Callable[[int], Strategy], n_trials: int, seed: int) -> Strategy:
    return make(seed).trying(n_trials)


ALWAYS: Final[tuple[Contender, ...]] = tuple(
    Contender(kind.name, partial(_made, kind)) for kind in (*REFERENCES.values(), *PER_TASK)
)
"""What every comparison holds."""


def check_different(contenders: Sequence[Contender]) -> None:
    """Refuse two methods of one name.

    Raises:
        InputError: If there are.
    """
    counts = Counter(each.name for each in contenders)
    if repeated := [name for name, n in counts.items() if n > 1]:
        raise InputError(f"each method may be named once. Got {listed(repeated)} repeatedly")


def completed(contenders: Sequence[Contender], n_trials: int) -> list[Contender]:
    """The methods with those that always take part, in the order of their names.

    Args:
        contenders: What was asked for.
        n_trials: Settings that what chooses its own settings per task tries beside the first.

    Raises:
        InputError: If two have one name, or one has the name of another that always takes part.
    """
    check_different(contenders)
    asked = {each.name: each for each in contenders}
    for each in ALWAYS:
        own = asked.setdefault(each.name, each)
        if type(own.strategy) is not type(each.strategy):
            raise InputError(
                f"a method may not be called {quoted(each.name)}: {each.strategy.label} is, which "
                "always takes part; give it another name"
            )
    return [_searching(each, n_trials) for _, each in sorted(asked.items())]


def _searching(contender: Contender, n_trials: int) -> Contender:
    return (
        replace(contender, make=partial(_trying, contender.make, n_trials))
        if n_trials
        else contender
    )


BETWEEN = " + "
"""Stands between the two halves of a name, such as in ``hard + upgrad``."""


def crossed(
    methods: Sequence[Contender], weightings: Mapping[str, Weighting], usual: Weighting
) -> list[Contender]:
    """Each way of sharing with each weighting.

    With the usual weighting a method keeps its plain name. Separate networks share nothing that
    could be balanced, and linear models are not trained in steps: they take part once, with the
    usual weighting. So does whatever always takes part, beside its other weightings.

    Args:
        methods: The ways of sharing, those that always take part among them.
        weightings: By the name that each shall have; none for the usual one alone.
        usual: The weighting that training has without this.

    Raises:
        InputError: If two would have one name, or a name is no plain word.

    Example:
        >>> from ramify.weighting import Equal, UPGrad
        >>> [m.name for m in crossed(ALWAYS, {"upgrad": UPGrad()}, Equal())]
        ['single-task', 'hard', 'hard + upgrad', 'random-forest', 'ridge-logistic']
    """
    if not weightings:
        return list(methods)
    further = {name: each for name, each in weightings.items() if not _same(each, usual)}
    usual_is_wanted = len(further) < len(weightings)
    always = {method.name for method in ALWAYS}
    found = []
    for method in methods:
        weighable = method.is_weighable
        if usual_is_wanted or not weighable or method.name in always:
            found.append(method)
        if weighable:
            found += [_with(method, name, each) for name, each in further.items()]
    check_different(found)
    return found


def _with(method: Contender, name: str, weighting: Weighting) -> Contender:
    return replace(method, name=f"{method.name}{BETWEEN}{name}", weighting=weighting)


def _same(one: Weighting, other: Weighting) -> bool:
    return (one.word, one.settings()) == (other.word, other.settings())


def digest_of(job: Decisive) -> str:
    """The SHA-256 digest of a job, whatever the order of its entries.

    Example:
        >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
        True
    """
    text = json.dumps(job, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
