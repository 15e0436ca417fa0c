"""All-reduce over the ranks that train together."""

from lightning_fabric import Fabric
from torch import Tensor


def summed(fabric: Fabric, tensor: Tensor) -> Tensor:
    """A tensor, added up over all ranks."""
    if fabric.world_size == 1:
        return tensor
    total = fabric.all_reduce(tensor.clone(), reduce_op="sum")  # it writes into what it gets
    assert isinstance(total, Tensor)  # for the type checker only
    return total
