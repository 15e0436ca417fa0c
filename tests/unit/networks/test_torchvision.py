import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.references import torchvision
from torch import Tensor

from ramify._core import InputError, ModelFileError, ShapeError
from ramify.networks import load_torchvision, read_state, resnet, vgg16
from ramify.networks.backbones._resnet import Depth

ROWS: dict[Depth, list[int]] = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3]}


@pytest.mark.parametrize("size", [224, 64, 32])
@pytest.mark.parametrize(("their_norm", "our_norm"), [(True, True), (False, True), (False, False)])
def test_a_loaded_vgg_computes_what_torchvisions_does(
    size: int, their_norm: bool, our_norm: bool
) -> None:
    theirs = torchvision.stirred(torchvision.vgg16(6, batch_norm=their_norm)).double()
    ours = vgg16(5, 6, input_size=size, batch_norm=our_norm).double()
    output = ours[-1]
    before = {name: tensor.clone() for name, tensor in output.state_dict().items()}
    load_torchvision(ours, theirs.state_dict())
    x = torch.randn(2, 3, size, size).double()
    torch.testing.assert_close(ours.eval()[:-1](x), theirs(x), rtol=1e-6, atol=1e-8)
    assert all(torch.equal(output.state_dict()[name], before[name]) for name in before)


@pytest.mark.parametrize("depth", [18, 34])
@pytest.mark.parametrize("size", [64, 50])
def test_a_loaded_resnet_computes_what_torchvisions_does(depth: Depth, size: int) -> None:
    theirs = torchvision.stirred(torchvision.ResNet(ROWS[depth], 4)).double()
    ours = resnet(depth, width=4).double()
    load_torchvision(ours, theirs.state_dict())
    x = torch.randn(2, 3, size, size).double()
    torch.testing.assert_close(ours.eval()(x), theirs(x))


@pytest.mark.boundary
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"features.5.bias": None}, InputError, "must hold 'features.5.bias', and do not"),
        (
            {"classifier.3.weight": torch.zeros(3, 3)},
            ShapeError,
            r"'classifier.3.weight' of `weights` must have the shape \(12, 12\). Got \(3, 3\)",
        ),
        ({"aux.weight": torch.zeros(1)}, InputError, "hold 'aux.weight', which `network` has no"),
    ],
)
def test_refuses_what_does_not_fit_and_changes_nothing(
    change: dict[str, Tensor | None], error: type[Exception], message: str
) -> None:
    state = torchvision.vgg16(6, batch_norm=False).state_dict() | change
    state = {name: tensor for name, tensor in state.items() if tensor is not None}
    network = vgg16(width=6, batch_norm=False)
    before = network.state_dict()["0.0.weight"].clone()
    with pytest.raises(error, match=message):
        load_torchvision(network, state)
    assert torch.equal(network.state_dict()["0.0.weight"], before)


def test_refuses_another_stem_depth_or_norm() -> None:
    state = torchvision.ResNet(ROWS[18], 4).state_dict()
    with pytest.raises(ShapeError, match=r"'conv1.weight' .* \(4, 3, 3, 3\). Got \(4, 3, 7, 7\)"):
        load_torchvision(resnet(18, stem="cifar", width=4), state)
    with pytest.raises(InputError, match=r"must hold 'layer1.2.conv1.weight', and do not"):
        load_torchvision(resnet(34, width=4), state)
    with_norm = torchvision.vgg16(6, batch_norm=True).state_dict()
    with pytest.raises(InputError, match=r"which `network` has no place for.*affine"):
        load_torchvision(vgg16(width=6, affine=False), with_norm)


def test_reads_either_form_of_file(tmp_path: Path) -> None:
    state = {"conv1.weight": torch.randn(3)}
    save_file(state, tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "a.pth")
    for name in ("a.safetensors", "a.pth"):
        assert torch.equal(read_state(tmp_path / name)["conv1.weight"], state["conv1.weight"])
    theirs = torchvision.vgg16(4, batch_norm=False)
    torch.save(theirs.state_dict(), tmp_path / "vgg.pth")
    network = vgg16(width=4, batch_norm=False)
    load_torchvision(network, tmp_path / "vgg.pth")
    assert torch.equal(network.state_dict()["0.0.weight"], theirs.state_dict()["features.0.weight"])


class _Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("raise SystemExit('code in a file was run')",)


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"\0" * 40, b"PK\x03\x04 cut off", b"\x80\x02R.", None])
def test_refuses_a_file_that_is_damaged_or_would_run_code(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    path = tmp_path / name
    path.write_bytes(pickle.dumps(_Trap(), protocol=2) if content is None else content)
    with pytest.raises(
        ModelFileError, match=r"cannot read the weights .* save the state dict alone"
    ):
        read_state(path)
    torch.save(_Trap(), path)
    with pytest.raises(ModelFileError, match="save the state dict alone"):
        read_state(path)


@pytest.mark.parametrize(
    ("content", "got"),
    [([torch.zeros(1)], "a list"), ({"epoch": 3}, "a int under 'epoch'")],
)
def test_refuses_what_is_no_state_dict(tmp_path: Path, content: object, got: str) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(ModelFileError, match=f"Got {got}; save the state dict alone"):
        read_state(tmp_path / "a.pth")


def test_names_a_missing_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pth", tmp_path / "none.safetensors"):
        with pytest.raises(ModelFileError, match=r"no weights at .*; name an existing file"):
            read_state(path)
    with pytest.raises(ModelFileError, match=r"cannot read the weights .*: Is a directory"):
        read_state(tmp_path)
