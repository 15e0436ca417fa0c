"""The state of a training in one file: tensors, and numbers beside them. Nothing in it can run."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from ramify._core import ModelFileError, check_plain_file, machine_memory, quoted, replacing

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
