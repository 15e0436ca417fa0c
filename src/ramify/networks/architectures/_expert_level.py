"""One level of experts and the gates that choose among them."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ramify.networks.architectures._reinit import redrawn
from ramify.networks.branched import Branches, OwnedWeights, each_its_own, rows_of, rows_of_branches


class ExpertLevel(nn.Module):
    r"""Experts of each task, experts of all, and for each task a gate over those that it sees.

    .. math:: y_t = \sum_e \mathrm{softmax}(G_t x_t)_e\, f_e(x_{(e)})

    Task *t* sees its own experts and the shared ones. Streams are the tasks' and, beside a level
    that follows, the shared one, whose gate sees every expert. A task's experts read its stream,
    the shared ones the shared stream. Gates start even.

    Args:
        expert: What one expert is; the first one of each task (or of all, where tasks have none)
            is a copy, all others are drawn anew.
        width: Width of the vectors that the gates read.
        n_tasks: Number of tasks.
        n_own: Experts of each task.
        n_shared: Experts of all.
        goes_on: Whether a level follows, which needs a shared stream.
    """

    def __init__(
        self,
        expert: nn.Module,
        width: int,
        n_tasks: int,
        *,
        n_own: int,
        n_shared: int,
        goes_on: bool,
    ) -> None:
        super().__init__()
        self.n_tasks, self.n_own, self.n_shared = n_tasks, n_own, n_shared
        draws = [expert, *(redrawn(expert) for _ in range(n_own + n_shared - 1))]
        own = [draws[k] for _ in range(n_tasks) for k in range(n_own)]
        self.experts = _copies([*own, *draws[n_own:]])
        self.gates = nn.Parameter(torch.zeros(n_tasks, n_own + n_shared, width))
        self.shared_gate: nn.Parameter | None = None
        if goes_on and n_shared:
            self.shared_gate = nn.Parameter(torch.zeros(len(own) + n_shared, width))

    def forward(
        self, x: Float[Tensor, "stream batch *shape"], read: Float[Tensor, "stream batch width"]
    ) -> Float[Tensor, "stream batch *shape"]:
        """Run the experts and mix what they give.

        Args:
            x: One stream for all, or the tasks' streams and the shared one.
            read: What the gates read of them.
        """
        given = self._given(x)
        n_experts = self.n_tasks * self.n_own + self.n_shared
        parents = [0] * n_experts if len(given) == 1 else range(n_experts)
        seen = self.experts(given, parents)
        experts = torch.stack(seen) if isinstance(seen, list) else seen
        shape = experts.shape[2:]
        flat = experts.reshape(*experts.shape[:2], -1)  # (expert, batch, value)
        mixed = self._of_tasks(flat, read)
        if self.shared_gate is not None:
            share = (read[-1] @ self.shared_gate.T).softmax(-1)
            shared = torch.einsum("be,ebv->bv", share, flat)
            mixed = torch.cat([mixed, shared.unsqueeze(0)])
        return mixed.view(*mixed.shape[:2], *shape)

    def keep(self, tasks: Sequence[int]) -> None:
        """Forget the experts and gates of all other tasks, if no level follows.

        Args:
            tasks: Places of those that stay.
        """
        own = [t * self.n_own + k for t in tasks for k in range(self.n_own)]
        first = self.n_tasks * self.n_own
        self.experts = self.experts.regrown([*own, *range(first, first + self.n_shared)])
        self.gates = nn.Parameter(self.gates.detach()[list(tasks)])
        self.n_tasks = len(tasks)

    def owned_weights(self) -> Iterator[OwnedWeights]:
        """What serves single tasks, if no level follows."""
        own = each_its_own(self.n_tasks)
        of_all = torch.ones(self.n_shared, self.n_tasks, dtype=torch.bool)
        serves = torch.cat([own.repeat_interleave(self.n_own, 0), of_all])
        for rows in rows_of_branches(self.experts, serves):
            if not rows.owners.all():
                yield rows
        yield from rows_of([self.gates], own)

    def _of_tasks(self, flat: Tensor, read: Tensor) -> Tensor:
        gates = self.gates
        if len(read) == 1:
            logits = torch.einsum("bf,tef->tbe", read[0], gates)
        else:
            logits = torch.bmm(read[: self.n_tasks], gates.transpose(1, 2))
        share = logits.softmax(-1)
        n_private = self.n_tasks * self.n_own
        parts = []
        if self.n_own:
            private = flat[:n_private].view(self.n_tasks, self.n_own, *flat.shape[1:])
            parts.append(torch.einsum("tbe,tebv->tbv", share[..., : self.n_own], private))
        if self.n_shared:
            parts.append(torch.einsum("tbe,ebv->tbv", share[..., self.n_own :], flat[n_private:]))
        return sum(parts[1:], parts[0])

    def _given(self, x: Tensor) -> Tensor:
        """What every expert reads; one for all where all read the same."""
        if len(x) == 1 or self.n_own == 0:
            return x[-1:]
        own = x[: self.n_tasks].repeat_interleave(self.n_own, 0)
        return torch.cat([own, *([x[-1:]] * self.n_shared)])


def _copies(experts: Sequence[nn.Module]) -> Branches:
    """Stacked where possible; a module that appears twice is copied."""
    if len({id(each) for each in experts}) == len(experts):
        return Branches(experts)
    sources = list({id(each): each for each in experts}.values())
    places = [next(i for i, s in enumerate(sources) if s is each) for each in experts]
    return Branches(sources).regrown(places)
