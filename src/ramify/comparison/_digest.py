"""The fingerprint of what decides a result."""

import hashlib
import json

from ramify.comparison._contender import Decisive


def digest_of(job: Decisive) -> str:
    """The SHA-256 digest of a job, whatever the order of its entries.

    Example:
        >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
        True
    """
    text = json.dumps(job, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
