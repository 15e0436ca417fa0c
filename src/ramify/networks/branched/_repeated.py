"""A stage's branches, evaluated for several consumers; a branch that consumers share is evaluated once for each."""

from torch import Tensor
from torch.func import functional_call

from ramify._core import InputError
from ramify.networks.branched._branches import Branches
from ramify.networks.stacked import stacked


class Repeated:
    """Runs a stage once for each reader, with copies of the weights where readers share a branch.

    Args:
        branches: The stage.
        group_of_reader: For each reader, the index of its branch.

    Attributes:
        is_plain: Whether every reader has a branch of its own, so that nothing is copied.

    Raises:
        InputError: If a layer of the stage has no stacked form, or has running statistics.
    """

    def __init__(self, branches: Branches, group_of_reader: Tensor) -> None:
        self._is_alone = branches.joined is None
        own = branches.copies[0] if branches.joined is None else branches.joined
        shell = stacked([own, own]) if branches.joined is None else branches.joined
        apart = branches.n_groups > 1 and self._is_alone
        if apart or shell is None or next(own.buffers(), None) is not None:
            raise InputError(
                "gradients of single tasks need stages of layers that have a stacked form and no "
                "running statistics, such as dense ones"
            )
        self._own, self._shell, self._index = own, shell, group_of_reader
        readers = group_of_reader.tolist()
        self.is_plain = not self._is_alone and readers == list(range(branches.n_groups))

    def run(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Run the stage.

        Args:
            x: ``(reader, batch, …)``; a single one feeds all.

        Returns:
            ``(reader, batch, …)``, and the weight matrices that were used, ``(reader, out, in)``.
        """
        used = {name: self._for_each(p) for name, p in self._own.named_parameters()}
        matrices = [weight for weight in used.values() if weight.ndim > 2]
        if self.is_plain:
            y: Tensor = self._shell(x)
            return y, matrices
        self._shell.train(self._own.training)
        z: Tensor = functional_call(self._shell, used, (x,))
        return z, matrices

    def _for_each(self, parameter: Tensor) -> Tensor:
        if self.is_plain:
            return parameter
        every = parameter.unsqueeze(0) if self._is_alone else parameter
        # Not every[index]: its backward pass adds up in no fixed order.
        return every.index_select(0, self._index)
