"""The experiments of the paper on fully-adaptive feature sharing, for whoever has its images.

    python benchmarks/fafs/reproduce.py --data celeba --root CELEBA
    python benchmarks/fafs/reproduce.py --data deepfashion --root DEEPFASHION
    python benchmarks/fafs/reproduce.py --data joint --root CELEBA DEEPFASHION
    python benchmarks/fafs/reproduce.py --data fashion-mnist --root FASHION --preset small
    python benchmarks/fafs/reproduce.py --data cmu-faces --root CMU --preset small
    python benchmarks/fafs/reproduce.py … --ablations

Rows: the network of full width, its low-rank form, thin networks from selected filters and from
random ones, the branched network that grows from the thin one, thin networks of one task each, and
(``long``) a thin one that trains for as many epochs as all rounds of the branched one together. Beside ours
stand the paper's figures, as far as they may be quoted and our networks and training are the paper's.
``--preset paper`` trains as its authors' code did (60,000 steps of 32 images and more: hours on a GPU);
``--preset small`` trains by AdamW in one cycle, for few images and no GPU. The network that filters are
selected from is our own of full width, trained on the same images; the paper had one trained on faces for
another purpose.

``--ablations`` retrains the found tree from random weights with its leaves in their order, in three
random orders and with the halves exchanged, and a thin network from selected and from random filters.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from _asked import check, in_options, parsed, parser
from _published import published, remark
from lightning_fabric import Fabric
from torch import nn

from ramify import InputError, RamifyError
from ramify.data import (
    Augmentation,
    ImageData,
    ImageReading,
    RandomSplit,
    Split,
    SplitRule,
    Table,
    joined,
    one_vs_rest,
    open_layout,
    open_npz,
)
from ramify.networks import (
    VGG16_RANKS,
    VGGSpec,
    fold_batch_norms,
    low_rank,
    n_weights,
    thin_from,
)
from ramify.runs import Options, Prepared, prepare
from ramify.runs._overall import overall_scores
from ramify.runs._start import shared_backbone
from ramify.sharing import FixedTree, FullyAdaptive, HardSharing, Sharing, SingleTask
from ramify.tasks import SharingTree
from ramify.training import Fitted, Trainer, Training


@dataclass(frozen=True)
class Row:
    """One network: its scores on the test rows, and what it costs."""

    name: str
    seed: int
    score: float
    overall: dict[str, float]
    weights: int
    parameters: int
    milliseconds: float
    seconds: float
    groups: int
    outputs: int
    leaves: list[list[str]]


@dataclass(frozen=True)
class Setting:
    """How every network of an experiment is trained."""

    training: Training
    batch_size: int
    fabric: Fabric


@dataclass(frozen=True)
class Subset(SplitRule):
    """At most so many training and test rows of another rule's, for machines that are small."""

    rule: SplitRule
    train: int | None
    test: int | None

    @property
    def column(self) -> str | None:
        """The column that the rule reads."""
        return self.rule.column

    def split(self, table: Table, rows: np.ndarray, rng: np.random.Generator) -> Split:
        """Divide the rows, and draw from the sides."""
        whole = self.rule.split(table, rows, rng)

        def drawn(side: np.ndarray, most: int | None) -> np.ndarray:
            return side if most is None else np.sort(rng.permutation(side)[:most])

        held = None if self.train is None else max(200, self.train // 8)
        return replace(
            whole,
            train=drawn(whole.train, self.train),
            validation=drawn(whole.validation, held),
            test=drawn(whole.test, self.test),
        )


def open_data(name: str, roots: list[Path], size: int | None) -> ImageData:
    """The data set of an experiment, one binary task per attribute or category."""
    reading = ImageReading(None if size is None else (size, size))
    if name == "cmu-faces":
        return open_npz(roots[0] / "cmu_faces.npz", reading, "images_30x32")
    if name == "fashion-mnist":
        data = open_layout("idx", roots[0], reading)
        found = one_vs_rest(data.table, "label")
        return replace(data, table=found.table, targets=found.targets)
    if name == "joint":
        sets = {
            n: open_layout(n, r, reading)
            for n, r in zip(("celeba", "deepfashion"), roots, strict=True)
        }
        return joined(sets, reading)
    return open_layout(name, roots[0], reading)


def rows_of(
    asked: argparse.Namespace, data: ImageData, seed: int, setting: Setting
) -> Iterator[Row]:
    """Train every network of one seed, a row each as it is done."""
    prepared = prepared_for(asked, data, seed)
    shape = prepared.inputs.encoder.shape
    torch.manual_seed(seed)
    full = VGGSpec(asked.full_width).build(shape)
    label = "VGG-16" if asked.full_width is None else f"full-{asked.full_width}"
    wide, row = trained(label, HardSharing(), full, prepared, seed, setting)
    yield row
    wide_backbone = shared_backbone(wide.network)
    if "low-rank" in asked.rows:
        ranks = [
            max(1, min(r, *_sides(layer)))
            for r, layer in zip(VGG16_RANKS, _layers(full), strict=True)
        ]
        yield trained(
            "low-rank", HardSharing(), low_rank(wide_backbone, ranks), prepared, seed, setting
        )[1]
    for width in asked.widths:
        generator = torch.Generator().manual_seed(seed)
        start = thin_from(wide_backbone, width, generator=generator)
        if "thin" in asked.rows:
            yield trained(f"thin-{width}", HardSharing(), start, prepared, seed, setting)[1]
        if "random" in asked.rows:
            torch.manual_seed(seed)
            bare = VGGSpec(width).build(shape)
            name = f"thin-{width}, random start"
            yield trained(name, HardSharing(), bare, prepared, seed, setting)[1]
        if "single" in asked.rows:
            name = f"one thin-{width} per task"
            yield trained(name, SingleTask(), start, prepared, seed, setting)[1]
        yield from branched(asked, width, start, prepared, seed, setting)


def branched(
    asked: argparse.Namespace,
    width: int,
    start: nn.Sequential,
    prepared: Prepared,
    seed: int,
    setting: Setting,
) -> Iterator[Row]:
    """The networks that grow from a thin one, and what they are held against."""
    for alpha in asked.alphas:
        name, sharing = f"Branch-{width}-{alpha:g}", sharing_of(asked, width, alpha, seed)
        grown, row = trained(name, sharing, start, prepared, seed, setting)
        yield row
        if "long" in asked.rows:
            as_long = replace(setting, training=lasting(setting.training, len(grown.curve)))
            other = f"thin-{width}, as many epochs as {name}"
            yield trained(other, HardSharing(), start, prepared, seed, as_long)[1]
        if asked.ablations:
            yield from shuffled(grown.tree, VGGSpec(width), prepared, seed, setting, alpha)


def lasting(training: Training, epochs: int) -> Training:
    """The same training for so many epochs; a round that a division cut short counts as whole."""
    return replace(training, epochs=epochs, iterations=None)


def sharing_of(asked: argparse.Namespace, width: int, alpha: float, seed: int) -> Sharing:
    """The paper's sharing, its interval shortened for few images."""
    return FullyAdaptive.paper(width, alpha, interval=asked.interval, seed=seed)


def shuffled(
    tree: SharingTree, spec: VGGSpec, prepared: Prepared, seed: int, setting: Setting, alpha: float
) -> Iterator[Row]:
    """The found tree from random weights, with its leaves in five orders."""
    n = len(tree.tasks)
    orders = {"original": list(range(n))}
    for k in range(3):
        orders[f"random {k + 1}"] = np.random.default_rng([seed, k]).permutation(n).tolist()
    orders["inverse"] = [*range(n // 2, n), *range(n // 2)]
    for name, order in orders.items():
        torch.manual_seed(seed)
        backbone = spec.build(prepared.inputs.encoder.shape)
        sharing = FixedTree(tree.reassigned(order))
        label = f"tree of Branch-{spec.width}-{alpha:g}, leaves {name}"
        yield trained(label, sharing, backbone, prepared, seed, setting)[1]


def trained(
    name: str,
    sharing: Sharing,
    backbone: nn.Sequential,
    prepared: Prepared,
    seed: int,
    setting: Setting,
) -> tuple[Fitted, Row]:
    """Train one network and score it on the test rows."""
    trainer = Trainer(setting.training, seed=seed, fabric=setting.fabric)
    started = time.monotonic()
    width = next(
        m.out_features for m in reversed(list(backbone.modules())) if isinstance(m, nn.Linear)
    )
    fitted = trainer.fit(
        sharing,
        backbone,
        prepared.tasks,
        prepared.batches("train", setting.batch_size, seed),
        prepared.batches("validation", setting.batch_size, seed),
        n_features=width,
    )
    seconds = time.monotonic() - started
    test = trainer.predict(fitted.network, prepared.batches("test", setting.batch_size, seed))
    network = fitted.network.cpu().eval()
    row = Row(
        name,
        seed,
        float(np.nanmean(test.skills(prepared.tasks))),
        overall_scores(test, prepared.tasks),
        n_weights(network),
        sum(p.numel() for p in network.parameters()),
        latency(network, prepared.inputs.encoder.shape),
        seconds,
        fitted.tree.widths[-1],
        prepared.tasks.n_columns,
        [list(group) for group in fitted.tree.stages[-1]],
    )
    print(shown(row), flush=True)
    return fitted, row


@torch.inference_mode()
def latency(network: nn.Module, shape: tuple[int, ...], calls: int = 15) -> float:
    """Median milliseconds of one image on the CPU, batch norms folded."""
    folded, x = fold_batch_norms(network), torch.randn(1, *shape)
    spent = []
    for _ in range(calls):
        started = time.perf_counter()
        folded(x)
        spent.append(time.perf_counter() - started)
    return 1e3 * float(np.median(spent[calls // 3 :]))


def prepared_for(asked: argparse.Namespace, data: ImageData, seed: int) -> Prepared:
    """The data of one seed, with the data set's own split or a random one."""
    options = Options(
        list(asked.targets or data.targets),
        split=Subset(data.split or RandomSplit(), asked.train, asked.test),
        augmentation=Augmentation(asked.shift, asked.flip) if asked.shift or asked.flip else None,
        seed=seed,
    )
    return prepare(data, options)


def setting_of(asked: argparse.Namespace) -> Setting:
    if asked.preset == "paper":
        training = Training.paper(
            iterations=asked.iterations, decay_every=max(1, asked.iterations // 3)
        )
    else:
        training = Training(
            epochs=asked.epochs, learning_rate=asked.learning_rate, weight_decay=0.05
        )
    return Setting(training, asked.batch_size, fabric_of(asked.device))


def shown(row: Row) -> str:
    leaves = " ".join("{" + ", ".join(group) + "}" for group in row.leaves)
    leaves = f"\n        {leaves}" if row.groups > 1 else ""
    overall = ", ".join(f"{name} {value:.4f}" for name, value in row.overall.items())
    return (
        f"seed {row.seed}  {row.name:<36} score {row.score:.4f}  {overall}; {row.weights:,} weights, "
        f"{row.milliseconds:.2f} ms, {row.groups} groups, trained {row.seconds:.0f} s{leaves}"
    )


def summed_up(asked: argparse.Namespace, rows: list[Row]) -> str:
    """Mean and spread over seeds of each network, with the paper's figures where they are of it."""
    names = list(dict.fromkeys(row.name for row in rows))
    keys = list(dict.fromkeys(key for row in rows for key in row.overall))
    head = ["network", "mean score", *keys, "weights", "ms / image", "groups", "published"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name in names:
        mine = [row for row in rows if row.name == name]
        values = [_spread([row.score for row in mine])]
        values += [
            _spread([row.overall[key] for row in mine if key in row.overall]) for key in keys
        ]
        weights = f"{np.mean([row.weights for row in mine]):,.0f}"
        cost = [weights, _spread([row.milliseconds for row in mine], 2)]
        groups = "-".join(str(row.groups) for row in mine)
        figures = published(asked, name, mine[0].outputs)
        lines.append("| " + " | ".join([name, *values, *cost, groups, figures]) + " |")
    return "\n".join([*lines, *filter(None, [remark(asked, rows[0].outputs)])])


def _spread(values: list[float], digits: int = 4) -> str:
    if not values:
        return ""
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def _layers(network: nn.Sequential) -> list[nn.Module]:
    return [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def _sides(layer: nn.Module) -> tuple[int, int]:
    weight = layer.get_parameter("weight").flatten(1)
    return len(weight), weight.shape[1]


def fabric_of(device: str) -> Fabric:
    """Where networks are trained.

    Raises:
        InputError: If there is no such device.
    """
    try:
        return Fabric(accelerator=device, devices=1)
    except (ValueError, RuntimeError, TypeError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"--device must be auto, cpu, cuda or another that is present. Got {device}: {reason}"
        ) from None


def experiment(asked: argparse.Namespace) -> Iterator[Row]:
    """Train every network of every seed, a row each as it is done."""
    check(asked)
    setting = setting_of(asked)
    data = open_data(asked.data, asked.root, asked.size)
    side = min(data.images.shape[2:])
    if asked.shift >= side:
        raise InputError(f"--shift must be less than the side, {side}. Got {asked.shift}")
    for seed in range(asked.seeds):
        yield from rows_of(asked, data, seed, setting)


def main() -> None:
    made = parser(__doc__.splitlines()[0])
    asked = parsed(made)
    torch.set_num_threads(max(1, asked.threads))
    rows: list[Row] = []
    try:
        for row in experiment(asked):
            rows.append(row)
            if asked.output is not None:
                asked.output.write_text(json.dumps([asdict(each) for each in rows], indent=1))
    except (RamifyError, OSError) as error:
        made.exit(2, f"error: {in_options(str(error), asked)}\n")
    print(summed_up(asked, rows))


if __name__ == "__main__":
    main()
