"""The search that Optuna does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from ramify._core import InputError, checked
from ramify.comparison._search import Search, Space, Tried, Values, rounded

_AT_RANDOM = 4


@checked
@dataclass(frozen=True)
class OptunaSearch(Search):
    """Optuna's tree-structured Parzen estimator (TPE), asked and told; the first are at random.

    Each proposal comes from a fresh study in memory that is told all trials before. Four are at
    random, the given settings among them; by Optuna's own default ten would be, and a small search
    would be over.

    Attributes:
        seed: Of the draws; they do not depend on the seeds of the comparison, so that all methods
            get the same ones while they are at random.

    References:
        Bergstra, Bardenet, Bengio, Kégl. *Algorithms for Hyper-Parameter Optimization*, NeurIPS
        2011. Akiba et al. *Optuna*, KDD 2019.

    Example:
        >>> from ramify.comparison import Span
        >>> space = {"dropout": Span(0, 0.7)}
        >>> OptunaSearch().proposal(space, []) == OptunaSearch().proposal(space, [])
        True
    """

    seed: int = 0

    @property
    def packages(self) -> Sequence[str]:
        """Optuna."""
        return ("optuna",)

    def check(self) -> None:
        """Import Optuna.

        Raises:
            InputError: If it is not installed.
        """
        _optuna()

    def proposal(self, space: Space, tried: Sequence[Tried]) -> Values:
        """Ask a study that knows all trials before; values have three digits."""
        optuna = _optuna()
        scales = {
            name: optuna.distributions.FloatDistribution(span.low, span.high, log=span.is_log)
            for name, span in space.items()
        }
        seed = np.random.SeedSequence([self.seed, len(tried)]).generate_state(1)[0]
        with _quiet(optuna):
            study = optuna.create_study(
                direction="maximize",
                sampler=optuna.samplers.TPESampler(seed=int(seed), n_startup_trials=_AT_RANDOM),
            )
            study.add_trials(
                optuna.trial.create_trial(
                    params=dict(each.values), distributions=scales, value=each.skill
                )
                for each in tried
                if each.skill is not None
            )
            found = study.ask(scales).params
        return {name: rounded(value) for name, value in found.items()}


def _optuna() -> ModuleType:
    try:
        import optuna  # noqa: PLC0415 - an extra
    except ImportError:
        raise InputError(
            "`search` needs optuna, which is not installed; "
            "install it with pip install 'ramify[search]', or leave it at 0"
        ) from None
    module: ModuleType = optuna
    return module


@contextmanager
def _quiet(optuna: ModuleType) -> Iterator[None]:
    """Without a line for each study, which Optuna would print by itself."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
