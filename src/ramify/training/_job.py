"""What a training is about, so that its state is not taken for that of another one."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from torch import nn

from ramify._core import InputError, quoted
from ramify.data import Batches
from ramify.sharing import Sharing
from ramify.tasks import TaskSet
from ramify.training._settings import Training

Job = Mapping[str, object]


def job_of(
    settings: Training,
    seed: int,
    sharing: Sharing,
    stages: Sequence[nn.Module],
    tasks: TaskSet,
    data: Mapping[str, Batches | None],
) -> Job:
    """All that decides what a training gives, by name; long things by a digest.

    Of the backbone that is its form, not its weights: they may be drawn anew each time a program
    starts, and a state brings its own.

    Args:
        settings: How it is trained.
        seed: Of its random numbers.
        sharing: The strategy.
        stages: The backbone's.
        tasks: The tasks.
        data: The batches, by what they are for.
    """
    shapes = [[tuple(p.shape) for p in stage.parameters()] for stage in stages]
    return {
        **settings.settings(),
        "seed": seed,
        "sharing": sharing.name,
        **{f"sharing.{name}": value for name, value in sharing.settings().items()},
        "backbone": _digest(repr([*stages]), repr(shapes)),
        "tasks": _digest(repr(tasks)),
        **{name: None if each is None else each.digest() for name, each in data.items()},
    }


def check_same(job: Job, kept: Job) -> None:
    """Refuse the state of another training.

    Args:
        job: What is to be trained.
        kept: What the state says of itself; empty if it was written before states did.

    Raises:
        InputError: If they differ; it names the first difference.
    """
    now = json.loads(json.dumps(job))  # as the other one was read
    for name in now if kept else ():
        if name not in kept or kept[name] != now[name]:
            differs = f"`{name}` differs"
            if name not in ("backbone", "tasks", "training rows", "validation rows"):
                differs += f", {_shown(kept.get(name))} there and {_shown(now[name])} here"
            raise InputError(
                "must be the folder of this training, or an empty one",
                argument="checkpoint",
                got=f"the state of another training: {differs}",
                remedy="name another folder, or remove what is in it",
            )


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str | list | dict) else str(value)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
