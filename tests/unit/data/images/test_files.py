import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from PIL import Image

from ramify._core import InputError, quoted
from ramify.data import (
    ImageFiles,
    ImageReading,
    ImageRows,
    ImageSchema,
    Table,
    image_file_batches,
    open_image_files,
    open_images,
    open_table,
)

SIZE = (6, 5)


def table_of(files: Sequence[str | None]) -> Table:
    frame = pl.DataFrame({"file": files, "label": [i % 2 for i in range(len(files))]})
    return open_table(frame, "labels")


def all_of(images: ImageRows) -> NDArray[np.uint8]:
    return images.take(np.arange(len(images))).numpy()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures of one grey level each, of several sizes, in two folders."""
    place = tmp_path / "pictures"
    (place / "more").mkdir(parents=True)
    for i in range(12):
        save(place / name_of(i), 20 * i, size=(9 + i, 7))
    return place


def name_of(i: int) -> str:
    return f"more/{i}.png" if i % 3 == 0 else f"{i}.png"


NAMES = [name_of(i) for i in range(12)]


def save(path: Path, level: int, size: tuple[int, int] = (8, 8)) -> None:
    Image.new("RGB", size, (level, level // 2, 0)).save(path)


@pytest.fixture
def reading(tmp_path: Path) -> ImageReading:
    return ImageReading(size=SIZE, cache=tmp_path / "cache", workers=0)


class Count:
    """How many images were decoded."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.calls.append((done, total))

    @property
    def decoded(self) -> int:
        return self.calls[-1][0] - self.calls[0][0] if self.calls else 0


def test_each_row_gets_the_image_that_it_names(folder: Path, reading: ImageReading) -> None:
    order = [NAMES[i] for i in (7, 0, 3, 3, 11)]
    found = open_image_files(table_of(order), "file", folder, reading)
    assert found.images.shape == (5, 3, *SIZE)
    assert all_of(found.images)[:, 0, 0, 0].tolist() == [140, 0, 60, 60, 220]
    assert found.bad == {}
    assert found.usable.all()


def test_workers_find_what_this_process_finds(
    folder: Path, reading: ImageReading, tmp_path: Path
) -> None:
    table = table_of([*NAMES * 12, "missing.png"])
    alone = open_image_files(table, "file", folder, skipping(reading))
    other = ImageReading(SIZE, cache=tmp_path / "other", skip_bad=True, workers=2)
    together = open_image_files(table, "file", folder, other)
    assert_array_equal(all_of(alone.images), all_of(together.images))
    assert alone.bad == together.bad == {144: f"'missing.png' does not exist in {quoted(folder)}"}


def skipping(reading: ImageReading) -> ImageReading:
    return ImageReading(reading.size, cache=reading.cache, skip_bad=True, workers=reading.workers)


def test_a_second_opening_decodes_nothing(folder: Path, reading: ImageReading) -> None:
    first, second = Count(), Count()
    before = open_image_files(table_of(NAMES), "file", folder, reading, first)
    after = open_image_files(table_of(NAMES), "file", folder, reading, second)
    assert first.decoded == 12
    assert second.decoded == 0
    assert_array_equal(all_of(before.images), all_of(after.images))
    assert before.images.digest() == after.images.digest()


@pytest.mark.parametrize("change", ["content", "size", "crop", "grey", "names", "order"])
def test_whatever_changes_the_images_changes_the_cache(
    folder: Path, reading: ImageReading, change: str
) -> None:
    before = open_image_files(table_of(NAMES), "file", folder, reading)
    names, now = NAMES, reading
    if change == "content":
        save(folder / NAMES[5], 255)
    elif change == "names":
        names = NAMES[:-1]
    elif change == "order":
        names = NAMES[::-1]
    elif change == "size":
        now = ImageReading((5, 6), cache=reading.cache, workers=0)
    elif change == "crop":
        now = ImageReading(SIZE, "crop", cache=reading.cache, workers=0)
    else:
        now = ImageReading(SIZE, channels=1, cache=reading.cache, workers=0)
    count = Count()
    after = open_image_files(table_of(names), "file", folder, now, count)
    assert count.decoded == len(names)
    assert before.images.digest() != after.images.digest()


def test_images_are_grey_only_if_all_of_them_are(folder: Path, reading: ImageReading) -> None:
    for name in NAMES[:6]:
        Image.new("L", (4, 4), 77).save(folder / name)
    grey = open_image_files(table_of(NAMES[:6]), "file", folder, reading)
    mixed = open_image_files(table_of(NAMES), "file", folder, reading)
    assert grey.images.shape[1] == 1
    assert mixed.images.shape[1] == 3
    assert (all_of(mixed.images)[:6] == 77).all()


Spoil = Callable[[Path], str]


def _outside(folder: Path) -> str:
    save(folder.parent / "secret.png", 9)
    return "../secret.png"


def _through_a_folder(folder: Path) -> str:
    save(folder.parent / "secret.png", 9)
    return "more/../../secret.png"


def _absolute(folder: Path) -> str:
    save(folder.parent / "secret.png", 9)
    return str(folder.parent / "secret.png")


def _link_out(folder: Path) -> str:
    save(folder.parent / "secret.png", 9)
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    return "link.png"


def _folder_link_out(folder: Path) -> str:
    (folder.parent / "private").mkdir()
    save(folder.parent / "private" / "secret.png", 9)
    (folder / "linked").symlink_to(folder.parent / "private")
    return "linked/secret.png"


def _sibling_with_the_same_beginning(folder: Path) -> str:
    other = folder.with_name(folder.name + "2")
    other.mkdir()
    save(other / "secret.png", 9)
    return f"../{other.name}/secret.png"


def _broken_link(folder: Path) -> str:
    (folder / "link.png").symlink_to(folder / "nothing.png")
    return "link.png"


def _circular_link(folder: Path) -> str:
    (folder / "link.png").symlink_to(folder / "link.png")
    return "link.png"


def _pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe.png")
    return "pipe.png"


def _empty(folder: Path) -> str:
    (folder / "empty.png").touch()
    return "empty.png"


def _cut_off(folder: Path) -> str:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG")
    (folder / "cut.jpg").write_bytes(buffer.getvalue()[:700])
    return "cut.jpg"


BAD: dict[str, tuple[Spoil, str]] = {
    "leaves the folder": (_outside, "lies outside of"),
    "leaves the folder through another": (_through_a_folder, "lies outside of"),
    "absolute": (_absolute, "lies outside of"),
    "link that leaves the folder": (_link_out, "lies outside of"),
    "link of a folder that leaves it": (_folder_link_out, "lies outside of"),
    "folder with the same beginning": (_sibling_with_the_same_beginning, "lies outside of"),
    "broken link": (_broken_link, "does not exist in"),
    "link to itself": (_circular_link, "does not exist in"),
    "missing": (lambda _: "missing.png", "does not exist in"),
    "nul in its name": (lambda _: "a\0b.png", "does not exist in"),
    "endless name": (lambda _: "x" * 5000, "does not exist in"),
    "newline in its name": (lambda _: "a\nb.png", "does not exist in"),
    "no name": (lambda _: "", "names no file"),
    "a folder": (lambda _: "more", "is no file"),
    "a pipe, which would block": (_pipe, "is no file"),
    "zero bytes": (_empty, "is empty"),
    "cut off": (_cut_off, "is cut off or damaged"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_named_in_one_line(folder: Path, reading: ImageReading, case: str) -> None:
    spoil, message = BAD[case]
    names = [*NAMES[:3], spoil(folder), NAMES[3]]
    words = rf"image of data row 4: .* {message}.*; replace it, or .* with `skip_bad`"
    with pytest.raises(InputError, match=words) as caught:
        open_image_files(table_of(names), "file", folder, reading)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_left_out_and_counted(folder: Path, reading: ImageReading, case: str) -> None:
    spoil, message = BAD[case]
    names = [*NAMES[:3], spoil(folder), NAMES[3]]
    data = open_images(table_of(names), "file", folder, skipping(reading))
    assert data.images.shape == (4, 3, *SIZE)
    assert all_of(data.images)[:, 0, 0, 0].tolist() == [0, 20, 40, 60]
    labels = data.table.collect(data.table.column("label").number()).to_series().to_list()
    assert labels == [0, 1, 0, 0]
    assert data.table.n_rows == 4
    assert len(data.notes) == 1
    assert "1 row left out because of their images" in data.notes[0]
    assert message.split("|")[0] in data.notes[0]


def test_a_missing_cell_names_no_file(folder: Path, reading: ImageReading) -> None:
    with pytest.raises(InputError, match="data row 2: '' names no file"):
        open_image_files(table_of([NAMES[0], None]), "file", folder, reading)


def test_an_absolute_path_inside_the_folder_is_fine(folder: Path, reading: ImageReading) -> None:
    found = open_image_files(table_of([str(folder / NAMES[4])]), "file", folder, reading)
    assert all_of(found.images)[0, 0, 0, 0] == 80


def test_a_folder_that_is_a_link_itself_is_fine(
    folder: Path, reading: ImageReading, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(folder)
    found = open_image_files(table_of(NAMES), "file", tmp_path / "link", reading)
    assert len(found.images) == 12


def test_several_bad_files_are_counted(folder: Path, reading: ImageReading) -> None:
    with pytest.raises(InputError, match=r"row 2: 'b' does not exist .* \(one of at least 3 rows"):
        open_image_files(table_of([NAMES[0], "b", "c", "d"]), "file", folder, reading)


def test_a_table_without_one_usable_image_is_refused(folder: Path, reading: ImageReading) -> None:
    with pytest.raises(InputError, match=r"at least one image must be usable\. 'b' does not exist"):
        open_image_files(table_of(["b", "c"]), "file", folder, skipping(reading))


def test_skipping_goes_on_where_the_refusal_stopped(folder: Path, reading: ImageReading) -> None:
    names = [*NAMES * 12, _cut_off(folder), *NAMES * 12]
    with pytest.raises(InputError, match=r"data row 145: 'cut.jpg' is cut off"):
        open_image_files(table_of(names), "file", folder, reading)
    count = Count()
    found = open_image_files(table_of(names), "file", folder, skipping(reading), count)
    assert count.calls[0][0] >= 145
    assert list(found.bad) == [144]
    with pytest.raises(InputError, match=r"data row 145: 'cut.jpg' is cut off"):
        open_image_files(table_of(names), "file", folder, reading)


def test_a_folder_or_column_that_is_not_there_is_named(folder: Path, reading: ImageReading) -> None:
    with pytest.raises(InputError, match=r"`images` must name the folder .* No folder at"):
        open_image_files(table_of(NAMES), "file", folder / "nowhere", reading)
    with pytest.raises(
        InputError, match=r"`image_column` .* no column 'path'; it has 'file', 'label'"
    ):
        open_image_files(table_of(NAMES), "path", folder, reading)


def test_a_cache_that_cannot_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    reading = ImageReading(SIZE, cache=tmp_path / "taken", workers=0)
    with pytest.raises(InputError, match="cannot be written: Not a directory; choose another"):
        open_image_files(table_of(NAMES), "file", folder, reading)


@pytest.mark.parametrize(
    "damage",
    [
        "state",
        "json",
        "pixels",
        "no pixels",
        "version",
        "zeros",
        "a bit",
        "done",
        "channels",
        "bad",
    ],
)
def test_a_damaged_cache_is_made_again(folder: Path, reading: ImageReading, damage: str) -> None:
    before = all_of(open_image_files(table_of(NAMES), "file", folder, reading).images)
    assert reading.cache is not None
    (state,) = reading.cache.glob("*/state.json")
    pixels = state.with_name("pixels.u8")
    if damage == "state":
        state.unlink()
    elif damage == "json":
        state.write_text('{"version": 1, "chan')
    elif damage == "version":
        state.write_text(json.dumps(json.loads(state.read_text()) | {"version": 99}))
    elif damage in ("done", "channels", "bad"):
        change = {"done": {"done": 7}, "channels": {"channels": 1}, "bad": {"bad": {"3": "odd"}}}
        state.write_text(json.dumps(json.loads(state.read_text()) | change[damage]))
    elif damage == "zeros":
        pixels.write_bytes(bytes(pixels.stat().st_size))
    elif damage == "a bit":
        content = bytearray(pixels.read_bytes())
        content[77] ^= 1
        pixels.write_bytes(bytes(content))
    elif damage == "pixels":
        pixels.write_bytes(pixels.read_bytes()[:50])
    else:
        pixels.unlink()
    count = Count()
    after = open_image_files(table_of(NAMES), "file", folder, reading, count)
    assert count.decoded == 12
    assert_array_equal(all_of(after.images), before)


BUILD = """
import sys, time
from pathlib import Path
import polars as pl
from ramify.data import ImageReading, open_image_files, open_table

folder, cache, delay = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
from ramify.data.images import _cache
_cache._SECONDS = 0.0

def progress(done, total):
    print(done, flush=True)
    time.sleep(delay)

names = sorted(path.name for path in folder.iterdir())
table = open_table(pl.DataFrame({"file": names}))
reading = ImageReading((6, 5), cache=cache, workers=1)
found = open_image_files(table, "file", folder, reading, progress)
print("digest", found.images.digest(), flush=True)
"""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    place = tmp_path / "many"
    place.mkdir()
    for i in range(640):
        Image.new("L", (8, 8), i % 251).save(place / f"{i:03}.png")
    return place


def build(folder: Path, cache: Path, delay: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BUILD, str(folder), str(cache), str(delay)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def opened(many: Path, cache: Path, progress: Count) -> ImageFiles:
    table = table_of(sorted(path.name for path in many.iterdir()))
    return open_image_files(
        table, "file", many, ImageReading(SIZE, cache=cache, workers=0), progress
    )


def test_a_killed_cache_is_gone_on_with(many: Path, tmp_path: Path) -> None:
    process = build(many, tmp_path / "cache", delay=0.2)
    assert process.stdout is not None
    with process.stdout as told:
        while int(told.readline()) < 192:
            pass
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    count = Count()
    found = opened(many, tmp_path / "cache", count)
    whole = opened(many, tmp_path / "other", Count())
    assert 128 <= count.calls[0][0] < 640
    assert_array_equal(all_of(found.images), all_of(whole.images))


def test_two_processes_make_one_cache_together(many: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    processes = [build(many, cache, delay=0.01) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert outputs[0][-1] == outputs[1][-1]
    assert outputs[0][-1].startswith("digest")
    assert min(len(lines) for lines in outputs) == 1
    found = opened(many, cache, Count())
    assert_array_equal(all_of(found.images)[:, 0, 0, 0], np.arange(640) % 251)


def test_a_file_that_crashes_the_decoder_is_found(
    folder: Path, reading: ImageReading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ramify.data.images import _decode  # noqa: PLC0415 - patched here only

    program = tmp_path / "crashing.py"
    source = Path(_decode.__file__).read_text(encoding="utf-8")
    crash = "    for i, path in enumerate(paths):\n"
    assert crash in source
    program.write_text(
        source.replace(crash, crash + "        path.endswith('4.png') and exit(9)\n")
    )
    monkeypatch.setattr(_decode, "__file__", str(program))
    skip = ImageReading(SIZE, cache=reading.cache, skip_bad=True, workers=1)
    found = open_image_files(table_of(NAMES), "file", folder, skip)
    assert found.bad == {4: "'4.png' makes the decoder crash"}
    assert all_of(found.images)[[3, 5], 0, 0, 0].tolist() == [60, 100]


@pytest.mark.parametrize("workers", [0, 2])
def test_images_to_predict_come_in_order_as_the_model_reads_them(
    folder: Path, reading: ImageReading, workers: int
) -> None:
    names = [*NAMES * 12, "missing.png", *NAMES]
    schema = ImageSchema(channels=3, height=6, width=5, mean=(0, 0, 0), std=(1, 1, 1))
    found = open_image_files(table_of(names), "file", folder, skipping(reading))
    table = table_of(names)
    batches = list(
        image_file_batches(table, "file", folder, schema, skip_bad=True, workers=workers)
    )
    pixels = np.concatenate([batch.pixels.numpy() for batch in batches])
    usable = np.concatenate([batch.usable for batch in batches])
    assert_array_equal(pixels, all_of(found.images))
    assert_array_equal(usable, found.usable)
    with pytest.raises(InputError, match=r"data row 145: 'missing\.png' does not exist"):
        next(image_file_batches(table, "file", folder, schema, workers=workers))


def test_leaving_a_stream_early_ends_its_processes(folder: Path) -> None:
    schema = ImageSchema(channels=3, height=6, width=5, mean=(0, 0, 0), std=(1, 1, 1))
    before = children()
    stream = image_file_batches(table_of(NAMES * 40), "file", folder, schema, workers=2)
    next(stream)
    started = time.monotonic()
    del stream
    assert time.monotonic() - started < 5
    assert children() == before


def children() -> list[str]:
    own = Path(f"/proc/self/task/{os.getpid()}/children")
    return own.read_text().split() if own.exists() else []


@pytest.mark.boundary
def test_a_reading_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match=r"height and a width from 1 to 8192\. Got \(0, 5\)"):
        ImageReading(size=(0, 5))
    with pytest.raises(InputError, match=r"`resize` must be one of 'stretch', 'crop'\. Got 'fit'"):
        ImageReading(resize="fit")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"`channels` must be one of 1, 3 or None\. Got 4"):
        ImageReading(channels=4)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"`workers` must be 0 or more\. Got -1"):
        ImageReading(workers=-1)
