import pytest
import torch

from ramify._core import InputError
from ramify.networks import cnn, n_parameters, n_weights, stages_of


def test_has_the_sizes_of_the_paper_s_network() -> None:
    network = cnn()
    assert len(stages_of(network)) == 4
    assert n_weights(network) == 9 * (8 + 8 * 12 + 12 * 16) + 4 * 4 * 16 * 64
    assert n_parameters(network) == n_weights(network) + 8 + 12 + 16 + 64


@pytest.mark.parametrize("size", [(28, 28), (7, 9), (1, 1), (105, 64)])
def test_takes_any_size_of_picture(size: tuple[int, int]) -> None:
    network = cnn((2, 3), (5, 4), input_size=size, in_channels=3)
    assert network(torch.zeros(2, 3, *size)).shape == (2, 4)


def test_no_convolution_is_a_perceptron() -> None:
    assert n_weights(cnn((), (5,), input_size=(2, 3))) == 30


def test_rows_do_not_look_at_each_other() -> None:
    network, images = cnn(), torch.rand(5, 1, 28, 28)
    alone = torch.cat([network(image) for image in images.unsqueeze(1)])
    torch.testing.assert_close(network(images), alone)


@pytest.mark.boundary
@pytest.mark.parametrize(
    ("channels", "hidden", "message"),
    [
        ((8, 0), (4,), "`channels` must be a whole number of at least 1. Got 0"),
        ((8,), (4, -1), "`hidden` must be a whole number of at least 1. Got -1"),
        ((8,), (), "`hidden` must hold at least one width"),
    ],
)
def test_refuses_bad_widths(
    channels: tuple[int, ...], hidden: tuple[int, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        cnn(channels, hidden)
