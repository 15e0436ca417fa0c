"""A way of sharing as a contender: one run of `run_table`."""

from dataclasses import dataclass, replace

from ramify._core import InputError
from ramify.comparison._contender import Attempt, Contender, Job, Work
from ramify.comparison._method import SINGLE_TASK, Method
from ramify.records import MethodKind
from ramify.runs import Options, can_be_resumed, run_table
from ramify.sharing import Restructuring, Sharing


@dataclass(frozen=True)
class NetworkContender(Contender):
    """Trains a network that shares in one way.

    Attributes:
        method: The way of sharing.
    """

    method: Method

    @property
    def name(self) -> str:
        """Its name."""
        return self.method.name

    @property
    def kind(self) -> MethodKind:
        """What it is made of."""
        return "network"

    @property
    def shares(self) -> bool:
        """Whether tasks share anything in it."""
        return self.method.name != SINGLE_TASK.name

    @property
    def is_searched(self) -> bool:
        """Whether a search over the settings of training concerns it."""
        return True

    def settings(self, options: Options) -> Job:
        """All settings that decide its result, beside the data."""
        sharing = self.method.make(options.seed)
        own = {f"sharing.{name}": value for name, value in sharing.settings().items()}
        return {**options.settings(), "sharing": sharing.name, **own, **self.method.given}

    def attempt(self, work: Work) -> Attempt:
        """Train, or go on from the state in the folder."""
        sharing = self.method.make(work.options.seed)
        resume = can_be_resumed(work.folder)
        run = run_table(
            work.table,
            _adapted(work.options, sharing, work.n_tasks),
            output=work.folder,
            resume=resume,
            overwrite=not resume,
        )
        record = run.record
        return Attempt(
            scores=record.scores,
            size=record.parameters,
            flops=record.flops,
            seconds=record.seconds.get("tree", 0.0),
            stages=record.tree.stages,
        )


def _adapted(options: Options, sharing: Sharing, n_tasks: int) -> Options:
    """The options of one run, with the epochs that the growing of a network leaves."""
    training, growing = options.training, 0
    if isinstance(sharing, Restructuring):
        growing = sharing.growing_epochs(n_tasks)
    if training.epochs <= growing:
        raise InputError(
            f"`epochs` must be more than the {growing} growing epochs of {sharing.name}. "
            f"Got {training.epochs}"
        )
    training = replace(training, epochs=training.epochs - growing)
    return replace(options, sharing=sharing, training=training, baselines=())
