"""Names and settings as a reader wants them: on one line, whatever they hold."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

# The second half is the weighting of a method of a comparison.
_PLAIN = re.compile(r"[\w.+/:()-]{1,40}( \+ [\w.+/:()-]{1,40})?")
# Characters that would break a line, hide, or turn the text around (bidirectional controls).
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}

METRICS = {
    "roc_auc": "ROC-AUC",
    "accuracy": "accuracy",
    "kappa": "weighted kappa",
    "ndcg": "NDCG@10",
    "rmse": "RMSE",
}
SKILLS = METRICS | {"rmse": "R²"}
NETWORKS = {
    "single_task": "one network per task",
    "shared": "one shared network",
    "branched": "the branched network",
    "random_tree": "a random tree of the same shape",
}


def shown(name: str, most: int = 60) -> str:
    r"""A name on one line: controls made visible, shortened in the middle.

    Example:
        >>> shown("NR-AR"), shown("a\nb"), shown("x" * 100, most=11)
        ('NR-AR', 'a\\nb', 'xxxxx…xxxxx')
    """
    if len(name) > most:
        half = (most - 1) // 2
        name = f"{name[:half]}…{name[-half:]}"
    text = "".join(_visible(character) for character in name)
    return text if text.strip() else f"“{text}”"


def whole(name: str) -> str:
    """A name on one line with controls made visible, not shortened."""
    return shown(name, most=len(name))


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _UNPRINTABLE:
        return character
    return character.encode("unicode_escape").decode("ascii")


def cited(name: str) -> str:
    """A name inside a sentence; in quotation marks unless it reads as one word.

    Example:
        >>> cited("NR-AR"), cited("shares with")
        ('NR-AR', '“shares with”')
    """
    return name if _PLAIN.fullmatch(name) else f"“{shown(name).strip('“”')}”"


def enumerated(names: Sequence[str], most: int = 5) -> str:
    """Names in a sentence, at most ``most`` of them, and the rest counted.

    Example:
        >>> enumerated(["a", "b", "c"]), enumerated(["a", "b", "c"], most=2)
        ('a, b and c', 'a, b and 1 more')
    """
    words = [cited(name) for name in names[:most]]
    if len(names) > most:
        words.append(f"{len(names) - most:,} more")
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def setting(value: object) -> str:
    """A setting's value as a reader writes it.

    Example:
        >>> setting(None), setting(True), setting([512, 256])
        ('none', 'yes', '512, 256')
    """
    if isinstance(value, list):
        return ", ".join(setting(each) for each in value)
    words = {None: "none", True: "yes", False: "no"}
    return words[value] if value is None or isinstance(value, bool) else whole(str(value))


def moment(created: str) -> str:
    """A moment as a reader writes it; what is no ISO 8601 stays as it is.

    Example:
        >>> moment("2026-03-14T09:26:53Z"), moment("yesterday")
        ('2026-03-14 09:26 UTC', 'yesterday')
    """
    try:
        found = datetime.fromisoformat(created)
    except ValueError:
        return shown(created)
    return f"{found.astimezone(UTC) if found.tzinfo else found:%Y-%m-%d %H:%M} UTC"
