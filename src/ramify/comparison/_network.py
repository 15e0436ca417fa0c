"""A way of sharing as a contender, of networks or linear models: one run of `run_table`."""

from dataclasses import dataclass, replace

from ramify._core import InputError
from ramify.comparison._contender import Attempt, Contender, Job, Work
from ramify.comparison._method import Method
from ramify.records import Structure
from ramify.runs import Options, can_be_resumed, run_table
from ramify.sharing import StartsAlone
from ramify.weighting import GramWeighting


@dataclass(frozen=True)
class NetworkContender(Contender):
    """Trains a network, or linear models, that share in one way.

    Attributes:
        method: The way of sharing.
    """

    method: Method

    @property
    def name(self) -> str:
        """Its name."""
        return self.method.name

    @property
    def label(self) -> str:
        """What it is in a few words."""
        return self.method.make(0).label

    @property
    def structure(self) -> Structure:
        """What it gives."""
        return self.method.make(0).structure

    @property
    def shares(self) -> bool:
        """Whether tasks share anything in it."""
        return self.method.make(0).shares

    @property
    def is_searched(self) -> bool:
        """Whether a search over the settings of training concerns it: not a linear model."""
        return not self._is_linear

    @property
    def variant(self) -> str:
        """Nothing: each of its trials has a file."""
        return ""

    @property
    def _is_linear(self) -> bool:
        return not self.method.make(0).trained_by_steps

    def settings(self, options: Options, n_tasks: int) -> Job:
        """All settings that decide its result, beside the data.

        Raises:
            InputError: If growing takes all epochs.
        """
        adapted = self._adapted(options, n_tasks)
        sharing = adapted.sharing
        own = {f"sharing.{name}": value for name, value in sharing.settings().items()}
        return {**adapted.settings(), "sharing": sharing.word, **own, **self.method.given}

    def attempt(self, work: Work) -> Attempt:
        """Train, or go on from the state in the folder."""
        resume = can_be_resumed(work.folder)
        run = run_table(
            work.table,
            self._adapted(work.options, work.n_tasks),
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

    def _adapted(self, options: Options, n_tasks: int) -> Options:
        """The options of one run, with the epochs that the growing of a network leaves."""
        sharing, training = self.method.make(options.seed), options.training
        growing = sharing.warm_up_epochs(n_tasks)
        if training.epochs <= growing:
            alone = isinstance(sharing, StartsAlone)
            spent = "epochs of separate networks (`alone`)" if alone else "growing epochs"
            raise InputError(
                f"`epochs` must be more than the {growing} {spent} of {self.name}. "
                f"Got {training.epochs}"
            )
        weighting = self.method.weighting or training.weighting
        training = replace(
            training,
            epochs=training.epochs - growing,
            weighting=weighting,
            # What does not look at gradients is the same run with and without.
            exact_gradients=training.exact_gradients and isinstance(weighting, GramWeighting),
        )
        return replace(options, sharing=sharing, training=training, baselines=())
