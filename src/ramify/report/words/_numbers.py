"""Numbers as a reader wants them: few digits, true signs, fitting units."""

from math import isnan

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
