"""How many weights a network has, as papers on compact networks count them."""

from torch import nn


def n_weights(network: nn.Module) -> int:
    """Number of weights, without biases and without the parameters of normalisations.

    This is how Lu et al. (CVPR 2017) count: 134.41 million for VGG-16 with 40 tasks. It counts
    frozen weights too; `n_parameters` counts everything that is trained.

    Args:
        network: Any module, branched and stacked ones too.

    Example:
        >>> from torch import nn
        >>> n_weights(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 2)))
        232
    """
    return sum(
        parameter.numel()
        for module in network.modules()
        # A normalisation of any kind has an `eps`, and no other layer with weights does.
        if not hasattr(module, "eps")
        for name, parameter in module.named_parameters(recurse=False)
        if not name.startswith("bias")
    )
