from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.data import (
    PAPER_MEAN,
    ImageEncoder,
    ImageReading,
    ImageRows,
    ImageSchema,
    image_row_batches,
    resized,
)
from ramify.data.images._decode import Form, read_image


def pixels(n: int = 7, channels: int = 3, height: int = 6, width: int = 5) -> np.ndarray:
    rng = np.random.default_rng(n)
    return rng.integers(0, 256, (n, channels, height, width), dtype=np.uint8)


def test_rows_of_several_arrays_are_those_of_one() -> None:
    whole = pixels(12)
    one, several = ImageRows([whole]), ImageRows([whole[:5], whole[5:6], whole[6:]])
    for rows in ([3, 11, 0, 0, 5, 6], [], list(range(12))):
        chosen = np.array(rows, dtype=np.int64)
        assert_array_equal(several.take(chosen).numpy(), whole[chosen])
        assert_array_equal(one.take(chosen).numpy(), whole[chosen])
    assert several.shape == one.shape == (12, 3, 6, 5)
    assert several.digest() == one.digest()


def test_selections_of_selections_and_rows_after_rows() -> None:
    whole = pixels(12)
    images = ImageRows([whole[:5], whole[5:]])
    some = images.select(np.array([9, 2, 4, 7])).select(np.array([3, 0, 0]))
    assert_array_equal(some.take(np.arange(3)).numpy(), whole[[7, 9, 9]])
    other = pixels(4)
    both = some.followed_by(ImageRows([other])).followed_by(some)
    expected = np.concatenate([whole[[7, 9, 9]], other, whole[[7, 9, 9]]])
    assert both.shape == (10, 3, 6, 5)
    assert_array_equal(both.take(np.arange(10)).numpy(), expected)
    assert both.digest() == ImageRows([expected]).digest()


def test_a_memory_map_is_not_read_as_a_whole_and_not_written(tmp_path: Path) -> None:
    whole = pixels()
    whole.tofile(tmp_path / "pixels")
    mapped = np.memmap(tmp_path / "pixels", np.uint8, "r", shape=whole.shape)
    images = ImageRows([mapped])
    taken = images.take(np.array([1, 2]))
    taken.zero_()
    assert_array_equal(images.take(np.arange(7)).numpy(), whole)
    assert type(images.take(np.array([1])).numpy()) is np.ndarray


def test_a_known_fingerprint_stands_for_the_pixels() -> None:
    whole = pixels()
    a, b = (ImageRows([whole], fingerprint=mark) for mark in ("a", "b"))
    assert a.digest() != b.digest()
    assert a.digest() == ImageRows([whole], fingerprint="a").digest()
    assert a.digest() != a.select(np.arange(6)).digest()
    assert a.followed_by(b).digest() != b.followed_by(a).digest()


@pytest.mark.boundary
def test_arrays_that_are_no_images_are_refused() -> None:
    with pytest.raises(InputError, match="at least one array"):
        ImageRows([])
    with pytest.raises(ShapeError, match=r"must be uint8 .* Got float64 of \(1, 1, 2, 2\)"):
        ImageRows([np.zeros((1, 1, 2, 2))])
    with pytest.raises(ShapeError, match=r"1 or 3 channels\. Got uint8 of \(1, 2, 2, 2\)"):
        ImageRows([np.zeros((1, 2, 2, 2), dtype=np.uint8)])
    with pytest.raises(ShapeError, match="must be of one shape"):
        ImageRows([pixels(), pixels(height=9)])


def test_images_that_are_as_wanted_are_not_copied() -> None:
    images = ImageRows([pixels()])
    assert resized(images, ImageReading()) is images
    assert resized(images, ImageReading((6, 5), channels=3)) is images


def test_arrays_are_resized_as_files_are(tmp_path: Path) -> None:
    smooth = np.linspace(0, 255, 40 * 30 * 3).reshape(40, 30, 3).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "image.png")
    images = ImageRows([smooth.transpose(2, 0, 1)[None]])
    for size, resize in (((8, 8), "stretch"), ((8, 8), "crop"), ((60, 20), "crop")):
        for channels in (1, 3):
            form = Form(*size, channels, crop=resize == "crop")
            by_file = read_image(str(tmp_path / "image.png"), form)
            reading = ImageReading(size, resize, channels)  # type: ignore[arg-type]
            by_array = resized(images, reading).take(np.array([0]))[0].numpy()
            # Pillow lets pixels just outside of what is kept count a little.
            assert_allclose(by_array.astype(int), by_file, atol=4)


def test_grey_of_grey_is_grey() -> None:
    images = ImageRows([pixels(channels=1)])
    there = resized(images, ImageReading(channels=3))
    back = resized(there, ImageReading(channels=1))
    assert there.shape[1] == 3
    assert_array_equal(back.take(np.arange(7)).numpy(), images.take(np.arange(7)).numpy())


def test_the_way_of_resizing_is_handed_on() -> None:
    images = resized(ImageRows([pixels()]), ImageReading((4, 4), "crop"))
    assert images.resize == "crop"
    assert images.select(np.arange(3)).resize == "crop"
    assert ImageEncoder.fitted(images, np.arange(3)).schema.resize == "crop"


def test_the_encoder_standardises_the_training_rows_and_sees_no_other() -> None:
    whole = pixels(40)
    train = np.arange(0, 40, 2)
    encoder = ImageEncoder.fitted(ImageRows([whole]), train)
    encoded = encoder(torch.from_numpy(whole[train]))
    assert_close(encoded.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    assert_close(encoded.std(dim=(0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0)
    other = whole.copy()
    other[1::2] = 0
    assert ImageEncoder.fitted(ImageRows([other]), train).schema == encoder.schema
    floats = whole[train].astype(np.float64)
    assert_allclose(encoder.schema.mean, floats.mean(axis=(0, 2, 3)))
    assert_allclose(encoder.schema.std, floats.std(axis=(0, 2, 3)))


def test_images_of_one_brightness_are_not_divided_by_nothing() -> None:
    flat = np.full((4, 1, 3, 3), 200, dtype=np.uint8)
    encoder = ImageEncoder.fitted(ImageRows([flat]), np.arange(4))
    assert encoder(torch.from_numpy(flat)).abs().max() == 0


def test_the_papers_mean_is_fixed() -> None:
    encoder = ImageEncoder.fitted(ImageRows([pixels()]), np.arange(7), mean=PAPER_MEAN)
    assert encoder.schema.mean == PAPER_MEAN
    assert encoder.schema.std == (1.0, 1.0, 1.0)
    with pytest.raises(InputError, match=r"each of the 1 channels\. Got 3"):
        ImageEncoder.fitted(ImageRows([pixels(channels=1)]), np.arange(7), mean=PAPER_MEAN)


@pytest.mark.boundary
def test_the_encoder_refuses_other_images_and_no_rows() -> None:
    encoder = ImageEncoder.fitted(ImageRows([pixels()]), np.arange(7))
    with pytest.raises(ShapeError, match=r"with \(3, 6, 5\) per image\. Got \(2, 3, 5, 6\)"):
        encoder(torch.zeros(2, 3, 5, 6, dtype=torch.uint8))
    with pytest.raises(InputError, match="at least one training row"):
        ImageEncoder.fitted(ImageRows([pixels()]), np.arange(0))


def test_an_encoder_is_built_again_from_its_schema() -> None:
    encoder = ImageEncoder.fitted(ImageRows([pixels()]), np.arange(7))
    text = encoder.schema.model_dump_json()
    again = ImageEncoder(ImageSchema.model_validate_json(text))
    raw = torch.from_numpy(pixels(3))
    assert_close(again(raw), encoder(raw), rtol=0, atol=0)
    assert encoder.state_dict() == {}


@pytest.mark.parametrize(
    "change",
    [
        {"channels": 2},
        {"height": 0},
        {"width": 9000},
        {"mean": [1.0]},
        {"std": [1.0, 0.0, 1.0]},
        {"std": [1.0, -1.0, 1.0]},
        {"std": [1.0, float("inf"), 1.0]},
        {"resize": "fit"},
        {"more": 1},
    ],
)
def test_a_schema_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    fields = {"channels": 3, "height": 6, "width": 5, "mean": [1.0] * 3, "std": [1.0] * 3}
    ImageSchema.model_validate(fields)
    with pytest.raises(ValueError, match="validation error"):
        ImageSchema.model_validate(fields | change)


def test_arrays_to_predict_come_in_order_as_the_model_reads_them() -> None:
    images = ImageRows([pixels(10, channels=1)])
    schema = ImageSchema(channels=3, height=8, width=8, mean=(0, 0, 0), std=(1, 1, 1))
    batches = list(image_row_batches(images, schema, rows=4))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    whole = resized(images, ImageReading((8, 8), channels=3)).take(np.arange(10))
    assert_close(torch.cat(batches), whole)
