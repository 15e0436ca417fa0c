"""Thin networks that keep the filters of a wide one that represent the others best."""

from ramify.networks.thin._somp import somp
from ramify.networks.thin._thin import thin_from, thin_like

__all__ = [
    "somp",
    "thin_from",
    "thin_like",
]
