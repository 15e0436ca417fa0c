"""What every strategy and every weighting keep to where tasks are of words, of pixels and of rows."""

from dataclasses import replace
from math import isfinite
from pathlib import Path

import pytest
import torch
from tests.toy_tokens import (
    LONGEST,
    MIXED_UNITS,
    N_INPUTS,
    ONLY_TOKENS,
    Pixels,
    backbone,
    batches,
    convolutions,
    held_out,
    part,
    rows,
)
from torch import nn
from torch.testing import assert_close

from ramify.data import as_batches
from ramify.losses import TaskLosses
from ramify.networks import TaskNetwork
from ramify.tasks import ROW, TOKEN, Binary, Task, TaskSet
from ramify.training import Fitted, Trainer, Training
from ramify.weighting import WEIGHTINGS, weighting_named

from ._cases import SHARINGS
from ._resuming import assert_same, fitted_in_parts

BUILDERS = {name: build for cases in SHARINGS.values() for name, build in cases.items()}
every_sharing = pytest.mark.parametrize("name", BUILDERS)
QUICK = Training(epochs=2, learning_rate=0.01, weight_decay=0.1)
ON_ROWS = TaskSet([replace(task, unit=ROW) for task in MIXED_UNITS])
UNITS = {"mixed": MIXED_UNITS, "tokens": ONLY_TOKENS, "rows of words": ON_ROWS}


def trained(
    name: str, tasks: TaskSet, settings: Training = QUICK, *, checkpoint: Path | None = None
) -> Fitted:
    trainer = Trainer(settings, checkpoint=checkpoint, checkpoint_seconds=0)
    return trainer.fit(
        BUILDERS[name](tasks), backbone(), tasks, batches(tasks, 64), held_out(tasks)
    )


def assert_sound(fitted: Fitted) -> None:
    assert all(tensor.isfinite().all() for tensor in fitted.network.state_dict().values())
    assert all(isfinite(point.loss) for point in fitted.curve)


@every_sharing
@pytest.mark.parametrize("units", UNITS)
def test_trains_tasks_of_any_unit_on_rows_of_ragged_length(name: str, units: str) -> None:
    tasks = UNITS[units]
    fitted = trained(name, tasks, replace(QUICK, epochs=1))
    assert_sound(fitted)
    outputs = fitted.network(rows(tasks, 3)["inputs"])
    n_units = 3 * (LONGEST * (tasks.unit != ROW) + tasks.has_rows)
    assert outputs.shape == (n_units, tasks.n_columns)


@every_sharing
def test_resumed_equals_uninterrupted_bit_for_bit(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after every three steps until it is through; an epoch has 4."""
    whole = trained(name, MIXED_UNITS)
    parts = fitted_in_parts(lambda: trained(name, MIXED_UNITS, checkpoint=tmp_path), 3, monkeypatch)
    assert_same(whole, parts)


@pytest.mark.parametrize("weighting", [name for name in WEIGHTINGS if name != "fixed"])
@pytest.mark.parametrize("name", ["hard", "tree", "cross-stitch"])
def test_every_weighting_weighs_tasks_of_words_and_of_rows(weighting: str, name: str) -> None:
    assert_sound(trained(name, MIXED_UNITS, replace(QUICK, weighting=weighting_named(weighting))))


def built(name: str, tasks: TaskSet, stages: nn.Module | None = None) -> TaskNetwork:
    """A network whose weights are all different, in double precision."""
    torch.manual_seed(0)
    network = BUILDERS[name](tasks).build(backbone(0.0) if stages is None else stages, tasks)  # type: ignore[arg-type]  # an nn.Sequential
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return network.double()


@every_sharing
@pytest.mark.parametrize("units", ["mixed", "rows of words"])
def test_padding_never_counts(name: str, units: str) -> None:
    """What stands there changes no output, and the gradient there is exactly zero."""
    tasks = UNITS[units]
    network, found = built(name, tasks), rows(tasks, 8)
    x, real = found["inputs"]["x"].double().requires_grad_(), found["inputs"]["real"]
    (batch,) = as_batches([found], tasks)
    outputs = network({"x": x, "real": real})
    losses = TaskLosses(tasks).double()
    losses(outputs, batch.targets.double(), batch.label_mask).sum().backward()
    assert x.grad is not None
    assert (x.grad[~real] == 0).all()
    assert x.grad[real].any()
    other = torch.where(real.unsqueeze(-1), x, 100 * torch.randn_like(x))
    again = network({"x": other, "real": real})
    assert network.positions is not None
    kept = torch.ones(len(outputs), dtype=torch.bool)
    kept[8:] = real.flatten() if tasks.unit != ROW else True
    assert torch.equal(outputs[kept], again[kept])


@every_sharing
def test_a_row_says_the_same_however_long_the_rows_beside_it_are(name: str) -> None:
    network, inputs = built(name, MIXED_UNITS).eval(), rows(MIXED_UNITS, 6)["inputs"]
    together = network({"x": inputs["x"].double(), "real": inputs["real"]})
    for row in range(6):
        length = int(inputs["real"][row].sum())
        alone = network(
            {
                "x": inputs["x"][row : row + 1, :length].double(),
                "real": inputs["real"][row : row + 1, :length],
            }
        )
        start = 6 + row * LONGEST
        expected = torch.cat([together[row : row + 1], together[start : start + length]])
        assert_close(alone, expected)


@every_sharing
def test_one_word_is_a_row(name: str) -> None:
    """With one word in every row, tasks of words are tasks of rows."""
    words = built(name, ONLY_TOKENS)
    on_rows = built(name, TaskSet([replace(task, unit=ROW) for task in ONLY_TOKENS]))
    on_rows.load_state_dict(words.state_dict())
    inputs = {"x": torch.randn(7, 1, N_INPUTS).double(), "real": torch.ones(7, 1).bool()}
    assert_close(words.eval()(inputs), on_rows.eval()(inputs))


# The factors of a convolution have other axes than those of a dense layer.
MAPS = [name for name in BUILDERS if not name.startswith("factorised")]


@pytest.mark.parametrize("name", MAPS)
def test_pixels_with_their_channels_first_are_words_with_their_features_last(name: str) -> None:
    """A convolution of one pixel is a dense layer at every place."""
    tasks = TaskSet(
        [replace(t, unit=Pixels.unit if t.unit == TOKEN else t.unit) for t in MIXED_UNITS]
    )
    maps = built(name, tasks, one_by_one())
    words = built(name, MIXED_UNITS, nn.Sequential(*(m for m in dense())))
    state = words.state_dict()
    pairs = zip(maps.state_dict().items(), state.values(), strict=True)
    maps.load_state_dict({key: value.view(like.shape) for (key, like), value in pairs})
    inputs = rows(MIXED_UNITS, 6)["inputs"]
    given = {"x": inputs["x"].double(), "real": inputs["real"]}
    assert_close(maps.eval()(given), words.eval()(given))


def one_by_one() -> nn.Sequential:
    layers = (nn.Conv2d(N_INPUTS, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.ReLU())
    return nn.Sequential(Pixels(), *layers)


def dense() -> nn.Sequential:
    first = next(iter(backbone()))
    return nn.Sequential(first, nn.Linear(N_INPUTS, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())


@every_sharing
def test_trains_on_pixels(name: str) -> None:
    """Convolutions that look at their neighbours, partly labelled maps and rows."""
    tasks = TaskSet(
        [replace(t, unit=Pixels.unit if t.unit == TOKEN else t.unit) for t in MIXED_UNITS]
    )
    found = rows(MIXED_UNITS, 32)
    for key in ("targets", "label_mask"):
        found[key] = {n: v.unsqueeze(1) if v.ndim == 2 else v for n, v in found[key].items()}
    loader = [part(found, slice(i, i + 16)) for i in (0, 16)]
    assert_sound(Trainer(QUICK).fit(BUILDERS[name](tasks), convolutions(), tasks, loader, loader))


def test_one_set_of_tasks_has_one_unit_beside_rows() -> None:
    two = [Task("a", Binary(), unit=TOKEN), Task("b", Binary(), unit=Pixels.unit)]
    with pytest.raises(ValueError, match=r"of at most one other unit\. Got 'token', 'pixel'"):
        TaskSet(two)
