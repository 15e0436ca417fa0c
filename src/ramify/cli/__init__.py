"""The command line: one file per verb, which parses and prints, nothing else."""

from ramify.cli._main import main

__all__ = ["main"]
