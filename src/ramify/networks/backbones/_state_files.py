"""Weights from files that other programs wrote, without running anything that is in them."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ramify._core import ModelFileError, quoted


def read_state(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a safetensors file or a file of `torch.save`.

    A file named ``*.safetensors`` is read as such; any other as a state dict, with PyTorch's
    restricted reader, which takes tensors and plain containers and refuses everything else.

    Args:
        path: The file.

    Raises:
        ModelFileError: If the file is missing, damaged, or holds something else.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "weights.pth"
        >>> torch.save({"conv1.weight": torch.zeros(2)}, file)
        >>> list(read_state(file))
        ['conv1.weight']
    """
    try:
        state: object = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except FileNotFoundError:
        raise ModelFileError(f"no weights at {quoted(path)}; name an existing file") from None
    except OSError as error:
        raise ModelFileError(f"cannot read the weights {quoted(path)}: {error.strerror}") from None
    except Exception:  # noqa: BLE001  # a damaged file makes PyTorch's reader raise anything
        raise ModelFileError(
            f"cannot read the weights {quoted(path)}: it is no safetensors file and no plain state "
            "dict of torch.save, or it is damaged; save the state dict alone"
        ) from None
    if not isinstance(state, Mapping) or not all(_is_entry(k, v) for k, v in state.items()):
        raise ModelFileError(
            f"{quoted(path)} must hold a state dict: tensors by name and nothing else. "
            f"Got {_described(state)}; save the state dict alone"
        )
    return dict(state)


def _is_entry(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, Tensor)


def _described(state: object) -> str:
    if not isinstance(state, Mapping):
        return f"a {type(state).__name__}"
    name = next(name for name, value in state.items() if not _is_entry(name, value))
    return f"a {type(state[name]).__name__} under {quoted(name)}"
