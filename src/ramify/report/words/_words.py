"""Names, settings and numbers as a reader wants them: on one line, few digits, true signs, fitting units."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isnan

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
    "no_auxiliary": "the same network without auxiliary tasks",
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


MINUS = "\N{MINUS SIGN}"


def number(value: float) -> str:
    """A score with three decimals and no leading zero; more digits where three would say nothing.

    Example:
        >>> number(0.8123), number(-12.5), number(0.00012)
        ('.812', '−12.500', '.00012')
    """
    size = abs(value)
    if isnan(value):
        return "absent"
    if size >= 1e6 or 0 < size < 1e-6:
        text = f"{size:.2e}"
    elif size >= 100:
        text = f"{size:,.1f}"
    elif 0 < size < 0.0005:
        text = f"{float(f'{size:.2g}'):.8f}".rstrip("0")
    else:
        text = f"{size:.3f}"
    text = text[1:] if text.startswith("0.") else text
    return f"{MINUS}{text}" if value < 0 and size > 0 else text


def signed(value: float) -> str:
    """A difference with its sign.

    Example:
        >>> signed(0.004), signed(-0.03), signed(0)
        ('+.004', '−.030', '0')
    """
    if value == 0:
        return "0"
    return f"+{number(value)}" if value > 0 else number(value)


def percent(value: float) -> str:
    """A signed percentage with one decimal.

    Example:
        >>> percent(1.7), percent(-0.04)
        ('+1.7 %', '−0.0 %')
    """
    return f"{value:+,.1f} %".replace("-", MINUS)


def interval(low: float | None, high: float | None) -> str:
    """An interval of a difference, or nothing where there is none.

    Example:
        >>> interval(-0.002, 0.006)
        '−.002 to +.006'
    """
    return "" if low is None or high is None else f"{signed(low)} to {signed(high)}"


def large(value: float) -> str:
    """A large count in three digits.

    Example:
        >>> large(950), large(1_234_567)
        ('950', '1.23 M')
    """
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            scale = 1e3 if unit == "k" else size
            return f"{value / scale:.3g} {unit}"
    return f"{value:,.0f}"


def portion(ours: float, theirs: float, what: str) -> str:
    """How much of ``what`` ours takes, as words after "with"; empty where that has no meaning.

    Example:
        >>> portion(1, 3, "parameters"), portion(3, 2, "parameters")
        ('33 % of the parameters', '1.50 times the parameters')
    """
    if theirs <= 0 or ours < 0:
        return ""
    ratio = ours / theirs
    if abs(ratio - 1) < 0.005:
        return f"as many {what}"
    if ratio < 0.01:
        return f"less than 1 % of the {what}"
    return (
        f"{ratio:.0%} of the {what}".replace("%", " %")
        if ratio < 1
        else (f"{ratio:.2f} times the {what}")
    )


def duration(seconds: float) -> str:
    """A time span in the unit that suits it.

    Example:
        >>> duration(4.21), duration(75), duration(7380)
        ('4.2 s', '1 min 15 s', '2 h 03 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
