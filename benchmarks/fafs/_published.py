"""What may be quoted of the paper's tables; see the notes on sources in docs/fully_adaptive.md."""

import argparse
from typing import NamedTuple


class Figure(NamedTuple):
    """What the paper says of a network, and of how well it does."""

    network: str = ""
    scores: str = ""


FIGURES = {
    ("celeba", "VGG-16"): Figure("134.41 M weights"),
    ("celeba", "low-rank"): Figure("4.52 M weights"),
    ("celeba", "thin-32"): Figure("0.22 M weights"),
    ("celeba", "Branch-64-1"): Figure(scores="accuracy 91.26 %"),
    ("deepfashion", "VGG-16"): Figure("134.45 M weights", "top-3 86.72 %, top-5 92.51 %"),
}
SIDE = 224
# Of the 50 categories in DeepFashion's list, not all have images.
OUTPUTS = {"celeba": range(40, 41), "deepfashion": range(46, 51)}
TRAINING = {
    "preset": "paper",
    "iterations": 60_000,
    "interval": 1000,
    "batch_size": 32,
    "train": None,
    "test": None,
    "shift": 0,
    "flip": False,
}


def published(asked: argparse.Namespace, name: str, n_outputs: int) -> str:
    """The paper's figures of a network, as far as ours is the same and trained the same way."""
    figure = FIGURES.get((asked.data, name), Figure())
    if not _same_networks(asked, n_outputs):
        return ""
    said = figure if _same_training(asked) else figure[:1]
    return "; ".join(words for words in said if words)


def remark(asked: argparse.Namespace, n_outputs: int) -> str:
    """Why figures of the paper are missing from a table that could have them."""
    if asked.data not in OUTPUTS:
        return ""
    if not _same_networks(asked, n_outputs):
        return (
            f"The paper's networks see {SIDE} by {SIDE} pixels, start from the whole VGG-16 and have "
            "all of the data set's tasks. Its figures are not shown beside others."
        )
    if not _same_training(asked):
        return (
            "The paper's scores are of its own training on all images, and not shown beside others."
        )
    return ""


def _same_networks(asked: argparse.Namespace, n_outputs: int) -> bool:
    whole = asked.full_width is None and not asked.targets
    return whole and asked.size == SIDE and n_outputs in OUTPUTS.get(asked.data, ())


def _same_training(asked: argparse.Namespace) -> bool:
    return all(getattr(asked, name) == value for name, value in TRAINING.items())
