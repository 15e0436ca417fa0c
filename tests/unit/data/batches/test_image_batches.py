import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import Tensor
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.data import (
    Augmentation,
    ImageBatches,
    ImageEncoder,
    ImageRows,
    ImageSchema,
    TableBatches,
)

PLAIN = ImageSchema(channels=1, height=6, width=5, mean=(0.0,), std=(1.0,))


def data(n: int = 25) -> tuple[ImageRows, Tensor, Tensor]:
    """Images whose corner is their number, with their numbers as labels."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n, 1, 6, 5), dtype=np.uint8)
    pixels[:, 0, 0, 0] = np.arange(n)
    numbers = torch.arange(n, dtype=torch.float32)
    label_mask = torch.from_numpy(rng.random((n, 3)) < 0.4)
    return ImageRows([pixels]), torch.where(label_mask, numbers[:, None], 0), label_mask


def batches(
    n: int = 25,
    size: int = 8,
    *,
    seed: int = 5,
    shuffle: bool = True,
    drop_last: bool = False,
    augmentation: Augmentation | None = None,
) -> ImageBatches:
    images, targets, label_mask = data(n)
    return ImageBatches(
        images,
        np.arange(n),
        targets,
        label_mask,
        ImageEncoder(PLAIN),
        size,
        seed=seed,
        shuffle=shuffle,
        drop_last=drop_last,
        augmentation=augmentation,
    )


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("n", [25, 24, 3, 1])
def test_images_come_in_the_order_of_a_tables_rows(n: int, shuffle: bool, drop_last: bool) -> None:
    images, targets, label_mask = data(n)
    flat = images.take(np.arange(n)).float()
    table = TableBatches(flat, targets, label_mask, 8, 5, shuffle=shuffle, drop_last=drop_last)
    found = batches(n, shuffle=shuffle, drop_last=drop_last)
    for epoch in (0, 3):
        table.set_epoch(epoch)
        found.set_epoch(epoch)
        assert len(found) == len(table)
        for one, other in zip(found, table, strict=True):
            assert_close(one.inputs, other.inputs)
            assert_close(one.targets, other.targets)
            assert_close(one.label_mask, other.label_mask)
            assert one.present == other.present


def test_each_example_has_the_image_of_its_row() -> None:
    images, targets, label_mask = data()
    rows = np.array([20, 3, 3, 7])
    found = ImageBatches(
        images, rows, targets[rows], label_mask[rows], ImageEncoder(PLAIN), 2, seed=0, shuffle=False
    )
    assert torch.cat([one.inputs for one in found])[:, 0, 0, 0].tolist() == [20, 3, 3, 7]


def epoch(found: ImageBatches, number: int) -> Tensor:
    found.set_epoch(number)
    return torch.cat([one.inputs for one in found])


def test_augmentation_is_a_function_of_seed_epoch_and_batch() -> None:
    shifted = Augmentation(2)
    one, other = batches(augmentation=shifted), batches(augmentation=shifted)
    first, second = epoch(one, 0), epoch(one, 1)
    torch.manual_seed(9)
    assert_close(epoch(other, 1), second, rtol=0, atol=0)
    assert_close(epoch(other, 0), first, rtol=0, atol=0)
    ordered = batches(shuffle=False, augmentation=shifted)
    assert not torch.equal(epoch(ordered, 0), epoch(ordered, 1))
    assert not torch.equal(first, epoch(batches(), 0))
    assert not torch.equal(epoch(batches(seed=6, augmentation=shifted), 0), first)


def test_iterating_leaves_the_global_state_alone() -> None:
    torch_state, numpy_state = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002
    epoch(batches(augmentation=Augmentation(2)), 0)
    assert_close(torch.get_rng_state(), torch_state)
    assert str(np.random.get_state()) == numpy_state  # noqa: NPY002


def slowly(pixels: Tensor, down: int, right: int, mirrored: bool, padding: int) -> Tensor:
    """A crop of the padded image, mirrored before: pad, cut, one image at a time."""
    image = pixels.flip(-1) if mirrored else pixels
    wide = torch.nn.functional.pad(image[None].double(), [padding] * 4, mode="replicate")[0]
    top, left = padding + down, padding + right
    return wide[:, top : top + pixels.shape[1], left : left + pixels.shape[2]].to(torch.uint8)


@pytest.mark.parametrize(("padding", "flip"), [(0, True), (2, False), (3, True)])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_is_a_crop_of_the_padded_one(padding: int, flip: bool, channels: int) -> None:
    pixels = torch.randint(256, (40, channels, 6, 5), dtype=torch.uint8)
    found = Augmentation(padding, flip)(pixels, torch.Generator().manual_seed(0))
    span = range(-padding, padding + 1)
    ways = [(y, x, m) for y in span for x in span for m in ((False, True) if flip else (False,))]
    seen = set()
    for before, after in zip(pixels, found, strict=True):
        ways_here = [w for w in ways if torch.equal(slowly(before, *w, padding), after)]
        assert ways_here
        seen.add(ways_here[0])
    assert len(seen) > min(len(ways), 40) // 2


def test_all_shifts_and_mirrorings_are_about_equally_frequent() -> None:
    ramp = torch.arange(100, dtype=torch.uint8).view(1, 1, 10, 10).expand(9000, 1, 10, 10)
    found = Augmentation(1)(ramp, torch.Generator().manual_seed(1))
    counts = torch.unique(found[:, 0, 5, 5].int() * 100 + found[:, 0, 5, 6], return_counts=True)[1]
    assert len(counts) == 18
    assert counts.min() > 400
    assert counts.max() < 600


def test_without_shift_and_mirroring_nothing_changes() -> None:
    pixels = torch.randint(256, (4, 3, 6, 5), dtype=torch.uint8)
    assert_close(Augmentation(0, flip=False)(pixels, torch.Generator()), pixels)


@pytest.mark.boundary
def test_what_does_not_fit_is_refused() -> None:
    images, targets, label_mask = data()
    encoder = ImageEncoder(PLAIN)
    with pytest.raises(ShapeError, match="one row each per example"):
        ImageBatches(images, np.arange(24), targets, label_mask, encoder, 4, seed=0)
    with pytest.raises(InputError, match=r"`batch_size` must be 1 or more\. Got 0"):
        ImageBatches(images, np.arange(25), targets, label_mask, encoder, 0, seed=0)
    with pytest.raises(InputError, match="at least one row"):
        ImageBatches(images, np.arange(0), targets[:0], label_mask[:0], encoder, 4, seed=0)
    with pytest.raises(InputError, match=r"`padding` must be 0 or more\. Got -1"):
        Augmentation(-1)
    assert_array_equal(images.shape, (25, 1, 6, 5))
