"""What the two processes do; importable by name, as a spawned process needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from lightning_fabric import Fabric
from tests import toy_tokens
from tests.toy import BINARY, N_INPUTS, backbone, held_out, tensors
from torch import Tensor, distributed

from ramify._core import InputError
from ramify.affinity import ErrorMarginAffinity
from ramify.grouping import Similarity
from ramify.networks import TaskNetwork
from ramify.sharing import (
    CGC,
    MTAN,
    CrossStitch,
    Factorised,
    FixedTree,
    FullyAdaptive,
    HardSharing,
    LowLevel,
    MMoE,
    Relationship,
    SelectiveSharing,
    Sharing,
    SingleTask,
    Sluice,
    Soft,
    TraceNorm,
)
from ramify.tasks import TOKEN, Binary, Ordinal, Ranking, SharingTree, Task, TaskSet
from ramify.training import Trainer, Training
from ramify.weighting import DBMTL, MGDA, GradVac, Uncertainty, UPGrad

N_TASKS = 4
Rows = list[tuple[Tensor, Tensor, Tensor]]


def affinity_batches() -> list[tuple[Tensor, Tensor]]:
    """Margins in 1/256, so that their sums have no rounding; the ranks' halves differ in size."""
    generator = torch.Generator().manual_seed(0)
    return [
        (
            torch.randint(257, (24, N_TASKS), generator=generator) / 256,
            torch.rand(24, N_TASKS, generator=generator) < 0.6,
        )
        for _ in range(30)
    ]


def summed(tensor: Tensor) -> Tensor:
    distributed.all_reduce(tensor)
    return tensor


def count(rank: int) -> dict[str, object]:
    affinity = ErrorMarginAffinity(N_TASKS)
    part = slice(0, 9) if rank == 0 else slice(9, 24)
    for margins, mask in affinity_batches():
        affinity.update(margins[part], mask[part], summed)
    return dict(affinity.state_dict())


def loader(rank: int | None, *, labelled: float) -> Rows:
    """Batches of 16 rows; a rank gets every second row of each."""
    x, y, mask = tensors(BINARY, 96, labelled=labelled)
    rows = []
    for start in range(0, 96, 16):
        part = slice(start, start + 16) if rank is None else slice(start + rank, start + 16, 2)
        rows.append((x[part], y[part], mask[part]))
    return rows


def ways() -> dict[str, Sharing]:
    tree = SharingTree(BINARY.names, ((BINARY.names,), (("a", "b"), ("c", "d"))))
    return {
        "hard": HardSharing(),
        "single-task": SingleTask(),
        "tree, grown": FixedTree(tree, growing_epochs_first=1),
        "adaptive": FullyAdaptive(growing_epochs=2, n_candidates=2),
        "adaptive, gradients": FullyAdaptive(
            growing_epochs=2, n_candidates=2, affinity="gradient-cosine"
        ),
        "selective": SelectiveSharing(Similarity(n_groups=2), estimator_width=4),
        "selective, split": SelectiveSharing(
            Similarity(n_groups=2), estimator_width=4, interval=3, allow_split=True
        ),
    }


def coupled_ways() -> dict[str, Sharing]:
    """Ways of sharing that hold weights together, or mix features."""
    return {
        "soft": Soft(),
        "trace-norm": TraceNorm(alpha=0.1),
        "relationship": Relationship(1e-2, interval=2),
        "cross-stitch": CrossStitch(),
        "cross-stitch, alone first": CrossStitch(pretrain_epochs=1),
        "sluice": Sluice(),
        "factorised": Factorised(rank=2, pretrain_epochs=1),
        "mmoe": MMoE(n_experts=2),
        "cgc": CGC(),
        "mtan": MTAN(hidden=4),
        "low-level, in turns": LowLevel((("a", 0),), in_turns=True),
    }


def coupled(fabric: Fabric, rank: int | None) -> dict[str, dict[str, Tensor]]:
    """The weights of networks trained in each of those ways, a third of the labels known."""
    rows = loader(rank, labelled=0.3)
    found = {}
    for name, way in coupled_ways().items():
        trainer = Trainer(Training(epochs=2, learning_rate=0.01), fabric=fabric)
        fitted = trainer.fit(way, backbone(0.0), BINARY, rows, held_out(BINARY))
        found[name] = dict(fitted.network.state_dict())
    return found


def two_machines_coupled(rank: int) -> dict[str, object]:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    return {"coupled": coupled(fabric, rank)}


def trained(name: str, fabric: Fabric, rank: int | None, *, labelled: float = 1.0) -> TaskNetwork:
    trainer = Trainer(Training(epochs=2, learning_rate=0.01), fabric=fabric)
    return trainer.fit(
        ways()[name], backbone(0.0), BINARY, loader(rank, labelled=labelled), held_out(BINARY)
    ).network


def by_itself(fabric: Fabric, rank: int | None) -> dict[str, dict[str, Tensor]]:
    """The weights that trainings give whose length follows from the data."""
    found = {}
    for name in ("hard", "adaptive by itself"):
        way = FullyAdaptive(n_candidates=2) if name != "hard" else HardSharing()
        trainer = Trainer(Training(steps=130, learning_rate=0.01), fabric=fabric, seconds=600)
        rows = loader(rank, labelled=0.3)
        fitted = trainer.fit(way, backbone(0.0), BINARY, rows, held_out(BINARY))
        found[name] = dict(fitted.network.state_dict())
    return found


def two_machines_by_itself(rank: int) -> dict[str, object]:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    return {"by itself": by_itself(fabric, rank)}


WEIGHTED = [
    ("hard", Training(epochs=2, learning_rate=0.01, weighting=Uncertainty())),
    ("hard", Training(epochs=2, learning_rate=0.01, weighting=UPGrad())),
    ("hard", Training(epochs=2, learning_rate=0.01, weighting=MGDA(), exact_gradients=True)),
    ("tree, grown", Training(epochs=2, learning_rate=0.01, weighting=GradVac())),
    ("tree, grown", Training(epochs=2, learning_rate=0.01, weighting=DBMTL())),
]


def weighted(fabric: Fabric, rank: int | None) -> list[dict[str, Tensor]]:
    """The weights of networks trained with weightings, with few labels."""
    rows = loader(rank, labelled=0.3)
    found = []
    for name, settings in WEIGHTED:
        trainer = Trainer(settings, fabric=fabric)
        fitted = trainer.fit(ways()[name], backbone(0.0), BINARY, rows, held_out(BINARY))
        found.append(dict(fitted.network.state_dict()))
    return found


def two_machines_weighted(rank: int) -> dict[str, object]:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    return {"weighted": weighted(fabric, rank)}


ORDERED = TaskSet(
    [Task("a", Ranking()), Task("b", Ordinal(("low", "mid", "high"))), Task("c", Ranking())]
)


def grouped_loader(rank: int | None) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Batches of 16 rows in groups of 4; a rank gets every second group of each."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(96, N_INPUTS, generator=generator)
    y = torch.randint(3, (96, len(ORDERED)), generator=generator).float()
    mask = torch.rand(96, len(ORDERED), generator=generator) < 0.4
    groups = torch.arange(96) // 4
    rows = []
    for start in range(0, 96, 16):
        mine = torch.arange(start, start + 16)
        mine = mine if rank is None else mine[groups[mine] % 2 == rank]
        rows.append((x[mine], y[mine], mask[mine], groups[mine]))
    return rows


@contextmanager
def double_precision() -> Iterator[None]:
    """Within the block new tensors are of double precision."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(usual)


def ordered(fabric: Fabric, rank: int | None) -> list[dict[str, Tensor]]:
    """The weights of networks that learn levels and orders, in double precision.

    A bias that no difference of rows depends on has only rounding for a gradient. In single
    precision Adam makes steps of it.
    """
    with double_precision():
        return _ordered(fabric, rank)


def _ordered(fabric: Fabric, rank: int | None) -> list[dict[str, Tensor]]:
    trainer = Trainer(Training(epochs=2, learning_rate=0.01), fabric=fabric)
    return [
        dict(
            trainer.fit(
                ways()[name], backbone(0.0), ORDERED, grouped_loader(rank), grouped_loader(None)
            ).network.state_dict()
        )
        for name in ("hard", "single-task")
    ]


def two_machines_ordered(rank: int) -> dict[str, object]:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    return {"ordered": ordered(fabric, rank)}


SCHOOLS = TaskSet([Task(name, Binary()) for name in "abcdefgh"])


def own_rows_loader(rank: int | None) -> Rows:
    """Batches of 32 rows, each with a label of one task; a rank gets every second row of each.

    In the second one, one rank has no label, in the third no machine has one of two tasks.
    """
    x, y, _ = tensors(SCHOOLS, 128)
    task = torch.randint(len(SCHOOLS), (128,), generator=torch.Generator().manual_seed(0))
    task[64:96] %= 6
    mask = torch.nn.functional.one_hot(task, len(SCHOOLS)).bool()
    mask[32:64:2] = False
    first, step = (0, 1) if rank is None else (rank, 2)
    parts = [slice(start + first, start + 32, step) for start in range(0, 128, 32)]
    return [(x[part].double(), y[part].double(), mask[part]) for part in parts]


def own_rows_ways() -> list[tuple[str, Sharing, Training]]:
    """Ways of sharing whose branches run the rows of their own tasks, and weightings of them."""
    names = SCHOOLS.names
    tree = SharingTree(names, ((names,), (names[:2], names[2:5], names[5:])))
    plain = Training(epochs=2, learning_rate=0.01)
    by_losses, upgrad = (replace(plain, weighting=rule) for rule in (Uncertainty(), UPGrad()))
    return [
        ("single-task", SingleTask(), plain),
        ("hard", HardSharing(), plain),
        ("adaptive", FullyAdaptive(growing_epochs=2, n_candidates=2), plain),
        ("selective", SelectiveSharing(Similarity(n_groups=2), estimator_width=4), plain),
        ("relationship, by losses", Relationship(interval=2), by_losses),
        ("soft, by losses", Soft(), by_losses),
        ("factorised, by parameters", Factorised(rank=2, pretrain_epochs=1), upgrad),
        ("tree, by features", FixedTree(tree), upgrad),
        ("tree, by parameters", FixedTree(tree), replace(upgrad, exact_gradients=True)),
    ]


def own_rows(fabric: Fabric, rank: int | None) -> dict[str, dict[str, Tensor]]:
    """Weights and losses of networks trained in each of those ways, in double precision."""
    rows, held_out_rows = own_rows_loader(rank), own_rows_loader(None)
    found = {}
    with double_precision():
        for name, way, settings in own_rows_ways():
            trainer = Trainer(settings, fabric=fabric)
            fitted = trainer.fit(way, backbone(0.0), SCHOOLS, rows, held_out_rows)
            losses = torch.tensor([epoch.loss for epoch in fitted.curve])
            found[name] = {**fitted.network.state_dict(), "losses": losses}
    return found


def two_machines_own_rows(rank: int) -> dict[str, object]:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    return {"own rows": own_rows(fabric, rank)}


def two_machines(rank: int, labelled: float = 1.0) -> dict[str, object]:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    found: dict[str, object] = {}
    for name in ways():
        network = trained(name, fabric, rank, labelled=labelled)
        found[name] = network.tree.stages, dict(network.state_dict())
    return found


def two_machines_partly_labelled(rank: int) -> dict[str, object]:
    return two_machines(rank, labelled=0.3)


def two_machines_hardly_labelled(rank: int) -> dict[str, object]:
    return two_machines(rank, labelled=0.03)


TOKENS = TaskSet(
    [
        Task("word", Binary(), unit=TOKEN),
        Task("row", Binary()),
        Task("helper", Binary(), unit=TOKEN, role="auxiliary"),
        Task("other", Binary(), role="auxiliary"),
    ]
)


def word_loader(rank: int | None) -> list[dict[str, dict[str, Tensor]]]:
    """Batches of 16 rows of words; a rank gets every second row of each."""
    found = toy_tokens.rows(TOKENS, 96, labelled=0.4)
    first, step = (0, 1) if rank is None else (rank, 2)
    return [toy_tokens.part(found, slice(i + first, i + 16, step)) for i in range(0, 96, 16)]


def word_ways() -> list[tuple[str, Sharing, Training]]:
    """Strategies whose evidence is of rows, of heads and of branches, and weightings."""
    plain = Training(epochs=2, learning_rate=0.01)
    upgrad = replace(plain, weighting=UPGrad())
    return [
        ("hard", HardSharing(), plain),
        ("adaptive", FullyAdaptive(growing_epochs=2, n_candidates=2), plain),
        (
            "adaptive, gradients",
            FullyAdaptive(growing_epochs=2, n_candidates=2, affinity="gradient-cosine"),
            plain,
        ),
        ("selective", SelectiveSharing(Similarity(n_groups=2), estimator_width=4), plain),
        ("cross-stitch", CrossStitch(), plain),
        ("hard, by losses", HardSharing(), replace(plain, weighting=Uncertainty())),
        ("hard, by features", HardSharing(), upgrad),
        ("hard, by parameters", HardSharing(), replace(upgrad, exact_gradients=True)),
    ]


def words(fabric: Fabric, rank: int | None) -> dict[str, tuple[object, dict[str, Tensor]]]:
    """The trees and weights of networks trained in each of those ways, in double precision."""
    found: dict[str, tuple[object, dict[str, Tensor]]] = {}
    with double_precision():
        for name, way, settings in word_ways():
            trainer = Trainer(settings, fabric=fabric)
            fitted = trainer.fit(
                way, toy_tokens.backbone(0.0), TOKENS, word_loader(rank), word_loader(None)
            )
            found[name] = fitted.tree.stages, dict(fitted.trained.state_dict())
    return found


def two_machines_words(rank: int) -> dict[str, object]:
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    return {"words": words(fabric, rank)}


class Promising(list[tuple[Tensor, Tensor, Tensor]]):
    """A loader that promises six batches, however many it gives."""

    def __len__(self) -> int:
        return 6


def refused(fabric: Fabric, rows: Rows) -> str:
    """What is said of a loader."""
    try:
        Trainer(Training(epochs=1), fabric=fabric).fit(HardSharing(), backbone(), BINARY, rows)
    except InputError as error:
        return str(error)
    return "trained"


def two_machines_uneven(rank: int) -> dict[str, object]:
    """One rank has fewer batches than the other: by its length, or than it promises."""
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    rows = loader(rank, labelled=1.0)
    shorter = rows[: 6 - rank]
    return {
        "lengths": refused(fabric, shorter),
        "promises": refused(fabric, Promising(shorter)),
        "even": refused(fabric, Promising(rows[:4])),
    }
