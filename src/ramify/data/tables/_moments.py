"""Dates and times of day: in ISO text or in columns of their own type, the same numbers of both."""

from typing import Final, Literal

import polars as pl

_SECONDS_PER_DAY: Final = 86_400
_MICROSECONDS: Final = 1_000_000
_NANOSECONDS: Final = 1_000_000_000
# ISO 8601, with a space allowed in place of the T, as pandas and databases write it.
_ISO: Final = (
    r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"
)
# With more than microseconds, in the years that 64 bits of nanoseconds reach.
_FINE: Final = r"^(?:1[7-9]|2[01])\d{2}-\d{2}-\d{2}[T ][\d:]{8}\.\d{7,9}(?:Z|[+-]\d{2}:?\d{2})?$"
_FORMS: Final = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f")
_WITH_OFFSET: Final = ("%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%.f%z")
_CLOCKS: Final = ("%H:%M", "%H:%M:%S%.f")


def moments(text: pl.Expr) -> pl.Expr:
    """The moments that ISO 8601 texts mean, in UTC where they tell their offset; else null.

    Args:
        text: Such as ``2024-05-31``, ``2024-05-31 09:30`` or ``2024-05-31T09:30:00.250Z``.
    """
    return _read(pl.when(text.str.contains(_ISO)).then(text), "us")


def clocks(text: pl.Expr) -> pl.Expr:
    """The times of day that texts such as ``9:30`` or ``09:30:00.5`` mean; else null."""
    return pl.coalesce(text.str.to_time(form, strict=False) for form in _CLOCKS)


def days(moment: pl.Expr) -> pl.Expr:
    """Days since 1970 of dates and moments, to the microsecond."""
    return _in_units(moment.dt.epoch("us"), _MICROSECONDS * _SECONDS_PER_DAY)


def seconds(clock: pl.Expr) -> pl.Expr:
    """Seconds since midnight of times of day."""
    return _in_units(clock.to_physical(), _NANOSECONDS)


def duration_seconds(duration: pl.Expr) -> pl.Expr:
    """Seconds that durations last, to the microsecond."""
    return _in_units(duration.dt.total_microseconds(), _MICROSECONDS)


def _in_units(count: pl.Expr, unit: int) -> pl.Expr:
    # Whole units apart, so that a date is a whole number of days: polars divides by a number as it
    # multiplies by the inverse, which is rounded.
    return (count // unit).cast(pl.Float64) + (count % unit).cast(pl.Float64) / unit


def moment_names(text: pl.Expr) -> pl.Expr:
    """ISO texts in the one form of `moment_text`; null for other texts."""
    # Nanoseconds are kept where a cell has them: they may be all that tells two cells apart.
    finer = _read(pl.when(text.str.contains(_FINE)).then(text), "ns")
    return pl.coalesce(moment_text(finer), moment_text(moments(text)))


def moment_text(moment: pl.Expr) -> pl.Expr:
    """ISO text of moments: the date alone at midnight, else with as few digits as needed."""
    written = moment.dt.strftime("%Y-%m-%dT%H:%M:%S%.9f").str.strip_chars_end("0")
    return written.str.strip_suffix(".").str.strip_suffix("T00:00:00")


def _read(text: pl.Expr, unit: Literal["us", "ns"]) -> pl.Expr:
    iso = text.str.replace(" ", "T", literal=True).str.strip_suffix("Z")
    here = [iso.str.to_datetime(form, time_unit=unit, strict=False) for form in _FORMS]
    elsewhere = [
        iso.str.to_datetime(form, time_unit=unit, strict=False).dt.replace_time_zone(None)
        for form in _WITH_OFFSET
    ]
    return pl.coalesce(*here, *elsewhere)
