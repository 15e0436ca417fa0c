"""Networks that start from a trained one: its filters are selected, or the run is refused."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import save_file

import ramify
from ramify import InputError, Run
from ramify.data import ImageData, ImageRows, open_table
from ramify.networks import BackboneSpec, BranchedNetwork, MLPSpec, ResNetSpec, VGGSpec
from ramify.runs import Options, run_table
from ramify.runs._start import starting_backbone
from ramify.sharing import HardSharing, Sharing, SingleTask
from ramify.training import Training

SHAPE = (1, 28, 28)


def pictures() -> ImageData:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, *SHAPE)).astype(np.uint8)
    labels = pl.DataFrame({"a": rng.integers(0, 2, 40), "b": rng.integers(0, 2, 40)})
    return ImageData(open_table(labels), ImageRows([pixels]))


def run(backbone: BackboneSpec, sharing: Sharing, start_from: Path | None = None) -> Run:
    options = Options(
        ["a", "b"],
        backbone=backbone,
        sharing=sharing,
        start_from=start_from,
        training=Training(epochs=1, learning_rate=1e-8),
        baselines=(),
        batch_size=16,
    )
    return run_table(pictures(), options)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wide")
    run(VGGSpec(8), HardSharing()).save(directory)
    return directory


def first_filters(network: torch.nn.Module) -> torch.Tensor:
    return next(p for p in network.parameters() if p.ndim == 4).detach()


def test_a_thin_network_has_filters_of_the_wide_one(wide: Path) -> None:
    thin = starting_backbone(VGGSpec(4), SHAPE, wide)
    of_wide = first_filters(starting_backbone(VGGSpec(8), SHAPE, wide)).flatten(1)
    for filter_ in first_filters(thin).flatten(1):
        assert (of_wide == filter_).all(dim=1).any()


def test_a_run_starts_from_them(wide: Path) -> None:
    thin = starting_backbone(VGGSpec(4), SHAPE, wide)
    fitted = run(VGGSpec(4), HardSharing(), wide)
    torch.testing.assert_close(first_filters(fitted.model), first_filters(thin), rtol=0, atol=1e-5)
    assert fitted.record.settings["start_from"] == str(wide)


def test_of_equal_width_everything_is_taken_over(wide: Path) -> None:
    again = starting_backbone(VGGSpec(8), SHAPE, wide)
    x = torch.rand(3, *SHAPE)
    network = ramify.load(wide).model.network
    assert isinstance(network, BranchedNetwork)
    torch.testing.assert_close(again.eval()(x), network.features(x)[0])


def test_without_a_start_weights_are_random() -> None:
    torch.manual_seed(0)
    one = starting_backbone(VGGSpec(4), SHAPE, None)
    assert not torch.equal(
        first_filters(one), first_filters(starting_backbone(VGGSpec(4), SHAPE, None))
    )


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (ResNetSpec(18, "cifar", 4), SHAPE, "of the kind 'resnet'"),
        (MLPSpec((8,)), SHAPE, "of the kind 'mlp'"),
        (VGGSpec(4), (3, 28, 28), "inputs of the same shape"),
        (VGGSpec(16), SHAPE, "`start_from` .* cannot be used"),
    ],
)
def test_another_network_is_refused(
    wide: Path, spec: BackboneSpec, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        starting_backbone(spec, shape, wide)


def test_a_network_that_branches_is_refused(tmp_path: Path) -> None:
    run(VGGSpec(4), SingleTask()).save(tmp_path)
    with pytest.raises(InputError, match="one shared network"):
        starting_backbone(VGGSpec(2), SHAPE, tmp_path)


def test_a_file_of_other_weights_is_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(2)}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"`start_from` .* cannot be used: `weights` must hold"):
        starting_backbone(ResNetSpec(18, "imagenet", 4), (3, 32, 32), tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="for vgg16 and resnets only"):
        starting_backbone(MLPSpec((8,)), (4,), tmp_path / "w.safetensors")
