"""Any weighting × any way of sharing × partial labels: 200 steps stay finite.

The suite takes a sample; ``python -m benchmarks.all_pairs`` takes all pairs.
"""

import pytest

from ramify.weighting import WEIGHTINGS

from ._cases import SHARINGS
from ._pairs import BUILDERS, PAIRS, Pair, fault_of, sample

SAMPLE = sample(seed=0)
FAILED_ONCE = [("pcgrad", "selective, split")]


def test_the_pairs_are_all_of_them() -> None:
    assert len(set(PAIRS)) == len(WEIGHTINGS) * len(BUILDERS)


def test_the_sample_holds_every_weighting_and_every_class() -> None:
    assert {weighting for weighting, _ in SAMPLE} == set(WEIGHTINGS)
    chosen = {sharing for _, sharing in SAMPLE}
    assert all(chosen & set(cases) for cases in SHARINGS.values())
    assert set(SAMPLE) <= set(PAIRS)


@pytest.mark.parametrize("pair", [*SAMPLE, *FAILED_ONCE], ids=" + ".join)
def test_two_hundred_steps_stay_finite(pair: Pair) -> None:
    assert fault_of(pair) == ""
