"""All pairs of a weighting and a way of sharing, and 200 small steps with partial labels."""

from math import isfinite

import numpy as np
from tests.toy import MIXED, backbone, batches

from ramify.training import Trainer, Training
from ramify.weighting import WEIGHTINGS, Fixed, Weighting

from ._cases import SHARINGS

N_STEPS, BATCH, EPOCHS = 200, 8, 4
BUILDERS = {name: build for cases in SHARINGS.values() for name, build in cases.items()}
PAIRS = [(weighting, sharing) for weighting in WEIGHTINGS for sharing in BUILDERS]

Pair = tuple[str, str]


def weighting_of(name: str) -> Weighting:
    """A weighting with its defaults; the fixed one with unequal weights."""
    rule = WEIGHTINGS[name]
    return Fixed([0.5, 1.0, 1.5, 1.0]) if rule is Fixed else rule()


def sample(seed: int) -> list[Pair]:
    """Pairs in which every weighting and every way of sharing occurs, matched by chance."""
    rng = np.random.default_rng(seed)
    n_pairs = max(len(WEIGHTINGS), len(SHARINGS))
    weightings = np.resize(rng.permutation(list(WEIGHTINGS)), n_pairs)
    # One case of each class, so that the sample stays small.
    cases = [str(rng.choice(list(cases))) for cases in SHARINGS.values()]
    return list(zip(weightings.tolist(), np.resize(cases, n_pairs).tolist(), strict=True))


def fault_of(pair: Pair) -> str:
    """What is not finite after 200 steps, a third of the labels known; empty if all is well."""
    weighting, sharing = pair
    settings = Training(
        epochs=EPOCHS, learning_rate=0.01, weight_decay=0.1, weighting=weighting_of(weighting)
    )
    rows = batches(MIXED, BATCH * N_STEPS // EPOCHS, labelled=0.3, size=BATCH)
    fitted = Trainer(settings).fit(BUILDERS[sharing](MIXED), backbone(), MIXED, rows)
    wrong = [n for n, each in fitted.network.state_dict().items() if not each.isfinite().all()]
    if wrong:
        return f"not finite: {', '.join(wrong)}"
    bad = [point.epoch for point in fitted.curve if not isfinite(point.loss)]
    return f"the loss of epoch {bad[0]} is not finite" if bad else ""
