"""Checkpoints: safetensors and JSON with digests, and whether they are of the same job."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from ramify._core import (
    InputError,
    ModelFileError,
    check_plain_file,
    machine_memory,
    quoted,
    replacing,
)
from ramify.data import Batches
from ramify.sharing import Sharing
from ramify.tasks import TaskSet
from ramify.training._settings import Training

_VERSION = 2  # from which on there is a digest; a state outlives no update, only a stop


def save_state(path: Path, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
    """Write tensors and JSON values, whole or not at all.

    Args:
        path: The file.
        tensors: By name.
        numbers: Anything that JSON holds.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps({"version": _VERSION, **numbers})
    metadata = {"numbers": text, "sha256": _digest_of(plain, text)}
    with replacing(path) as temporary:
        save_file(plain, temporary, metadata=metadata)


def load_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_state` wrote.

    Raises:
        ModelFileError: If the file is damaged or of another version.
    """
    try:
        check_plain_file(path, machine_memory())
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata["sha256"] != _digest_of(tensors, metadata["numbers"]):
            raise ValueError("sha256")
        numbers: dict[str, Any] = json.loads(metadata["numbers"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"the checkpoint {quoted(path)} is damaged ({type(error).__name__}); "
            "start again with `overwrite`"
        ) from None
    if numbers.get("version") != _VERSION:
        raise ModelFileError(
            f"the checkpoint {quoted(path)} is of another version of ramify; "
            "start again with `overwrite`"
        )
    return tensors, numbers


def _digest_of(tensors: Mapping[str, Tensor], numbers: str) -> str:
    """Of every name, form and number: a flipped bit would go on as another training."""
    digest = hashlib.sha256(numbers.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def optimiser_tensors(optimiser: Optimizer) -> dict[str, Tensor]:
    """The optimiser's state by place of the parameter and name of the value."""
    state = optimiser.state_dict()["state"]
    return {f"{i}.{key}": value for i, values in state.items() for key, value in values.items()}


def load_optimiser_tensors(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Take over what `optimiser_tensors` gave."""
    whole = optimiser.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        place, key = name.split(".", 1)
        state.setdefault(int(place), {})[key] = tensor
    optimiser.load_state_dict({**whole, "state": state})


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under longer names."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def under_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with a prefix, under the rest of their names."""
    start = f"{prefix}."
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}


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

    Of the backbone that is its form, not its weights: they may be redrawn each time a program
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
