import json

import pytest
import torch

from ramify._core import InputError, ShapeError
from ramify.networks import (
    BACKBONES,
    BackboneSpec,
    CNNSpec,
    MLPSpec,
    ResNetSpec,
    Setting,
    VGGSpec,
    spec_from,
)

IMAGE = (1, 28, 28)
CASES: dict[str, BackboneSpec] = {
    "mlp": MLPSpec(hidden=(8, 4), dropout=0.2, input_dropout=0.0),
    "cnn": CNNSpec(channels=(2, 3), hidden=(5, 4)),
    "vgg16": VGGSpec(width=2, affine=False),
    "resnet": ResNetSpec(depth=34, stem="cifar", width=2),
}
every_spec = pytest.mark.parametrize("spec", CASES.values(), ids=CASES)


def test_every_kind_has_a_case() -> None:
    assert {name: type(spec) for name, spec in CASES.items()} == BACKBONES


@every_spec
def test_is_the_same_after_a_round_through_json(spec: BackboneSpec) -> None:
    assert spec_from(spec.kind, json.loads(json.dumps(spec.settings()))) == spec


@every_spec
def test_builds_a_backbone_of_the_width_that_it_tells(spec: BackboneSpec) -> None:
    backbone = spec.build(IMAGE).eval()
    assert backbone(torch.zeros(2, *IMAGE)).shape == (2, spec.n_features)


def test_a_perceptron_takes_rows_and_an_image_network_does_not() -> None:
    assert MLPSpec(hidden=(3,)).build((5,))(torch.zeros(2, 5)).shape == (2, 3)
    with pytest.raises(ShapeError, match=r"for VGG-16 must be .* Got \(5,\); give images"):
        VGGSpec().build((5,))


@pytest.mark.boundary
@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            "alexnet",
            {},
            "`kind` must be one of 'mlp', 'cnn', 'vgg16', 'resnet'. Got 'alexnet'",
        ),
        ("vgg16", {"height": 3}, "a backbone 'vgg16' are 'width', .* Got 'height'"),
        ("vgg16", {"width": "wide"}, "`width` of .*: Input should be a valid integer. Got 'wide'"),
        ("resnet", {"stem": "x"}, "`stem` of .*: Input should be 'cifar' or 'imagenet'. Got 'x'"),
        ("mlp", {"hidden": [8, None]}, "`hidden.1` of .* a valid integer"),
        ("mlp", {"hidden": 8}, "`hidden` of .* a valid array. Got '8'"),
    ],
)
def test_refuses_what_it_does_not_know(
    kind: str, settings: dict[str, Setting], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        spec_from(kind, settings)
