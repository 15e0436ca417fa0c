"""Fabric, loaded when something is trained, and all-reduce over the ranks that train together."""

from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from lightning_fabric import Fabric
else:
    Fabric = object  # it loads torch's compiler, a second that predicting can do without

__all__ = ["Fabric", "one_device", "summed"]


def one_device(device: str = "auto", precision: str | None = None) -> Fabric:
    """Fabric for one process on one device.

    Args:
        device: auto, cpu, cuda (or gpu) or another kind of accelerator; cuda:1 for the second.
        precision: As Fabric calls it, such as 32-true; None for its own choice.

    Raises:
        ValueError: If Fabric does not know one of them; also RuntimeError, TypeError, ImportError.
    """
    from lightning_fabric import Fabric  # noqa: PLC0415  # see above

    kind, _, number = device.partition(":")
    devices = [int(number)] if number else 1
    return Fabric(accelerator=kind, devices=devices, precision=precision)  # type: ignore[arg-type]  # checked by Fabric


def summed(fabric: Fabric, tensor: Tensor) -> Tensor:
    """A tensor, added up over all ranks."""
    if fabric.world_size == 1:
        return tensor
    total = fabric.all_reduce(tensor.clone(), reduce_op="sum")  # it writes into what it gets
    assert isinstance(total, Tensor)  # for the type checker only
    return total
