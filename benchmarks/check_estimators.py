"""What scikit-learn's own checks say of the estimators: `python benchmarks/check_estimators.py`."""

import sys
import warnings
from collections import Counter

from sklearn.utils.estimator_checks import check_estimator

from ramify import MultiTaskClassifier, MultiTaskEstimator, MultiTaskRegressor

NETWORK = {"hidden": (32,), "batch_size": 16, "random_state": 0}
CASES = [
    MultiTaskRegressor("hard", epochs=60, **NETWORK),
    MultiTaskClassifier("hard", epochs=20, **NETWORK),
    MultiTaskEstimator("hard", epochs=2, **NETWORK),
    MultiTaskRegressor("linear:trace-norm", random_state=0),
    MultiTaskRegressor("ridge-logistic", random_state=0),
    MultiTaskClassifier("ridge-logistic", random_state=0),
]


def main() -> None:
    failed = 0
    warnings.simplefilter("ignore")  # of what the checks do on purpose
    for estimator in CASES:
        results = check_estimator(estimator, on_fail=None, on_skip=None)
        found = Counter(each["status"] for each in results)
        print(f"{type(estimator).__name__} {estimator.sharing}: {dict(found)}", flush=True)
        for each in results:
            if each["status"] == "failed":
                failed += 1
                print(f"  {each['check_name']}: {str(each['exception']).splitlines()[:1]}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
