"""Selective sharing: tasks are regrouped by their gradients during training."""

from ramify.sharing.selective._selective import SelectiveSharing

__all__ = [
    "SelectiveSharing",
]
