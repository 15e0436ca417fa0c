"""Bad pictures, sets of pictures, and options of pictures."""

import contextlib
import gzip
import io
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image
from tests.bad_input._case import Case, write

from ramify.cli import main

N = 48
QUICK = [
    *("--width", "4", "--epochs", "1", "--growing-epochs", "1", "--candidates", "2"),
    *("--baselines", "none", "--batch-size", "16"),
]
OF_FILES = ["--images", "photos", "--image-column", "file"]
MOST = 89_478_485


def photos(*more: str, targets: str = "left,right", table: str = "labels.csv") -> list[str]:
    """Fit the table of files."""
    return ["fit", table, *OF_FILES, "--targets", targets, "--output", "out", *QUICK, *more]


def archive(*more: str) -> list[str]:
    """Fit the NumPy archive."""
    return ["fit", "arrays.npz", "--targets", "side", "--output", "out", *QUICK, *more]


def layout(name: str, folder: str, *more: str) -> list[str]:
    """Fit a data set as it is handed out."""
    return ["fit", folder, "--layout", name, "--output", "out", *QUICK, *more]


def predict_pictures(*more: str, model: str = "pictures", table: str = "labels.csv") -> list[str]:
    """Predict the table of files."""
    return ["predict", model, table, "--output", "p.csv", *more]


def one_photo(content: bytes) -> Callable[[Path], object]:
    """A preparation that puts something else in place of the eighth picture."""
    return write("photos/7.png", content)


def saved(image: Image.Image, kind: str, **settings: object) -> bytes:
    """A picture as the content of a file."""
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def named(name: str) -> Callable[[Path], object]:
    """A preparation in which the eighth row names another file."""

    def do(folder: Path) -> None:
        table = pl.read_csv(folder / "labels.csv")
        rows = pl.int_range(pl.len()) == 7
        changed = table.with_columns(
            pl.when(rows).then(pl.lit(name)).otherwise("file").alias("file")
        )
        changed.write_csv(folder / "labels.csv")

    return do


def link_out(folder: Path) -> None:
    """A link in the folder of pictures to a file outside of it."""
    (folder / "secret.png").write_bytes((folder / "photos" / "0.png").read_bytes())
    (folder / "photos" / "7.png").unlink()
    (folder / "photos" / "7.png").symlink_to(folder / "secret.png")


def pipe(folder: Path) -> None:
    """A pipe in place of a picture: who opens it waits for ever."""
    (folder / "photos" / "7.png").unlink()
    os.mkfifo(folder / "photos" / "7.png")


def no_photo_is_one(folder: Path) -> None:
    """Nothing in the folder is a picture."""
    for path in (folder / "photos").iterdir():
        path.write_bytes(b"no picture")


def arrays(**changed: object) -> Callable[[Path], object]:
    """A preparation that changes arrays of the archive; None leaves one out."""

    def do(folder: Path) -> None:
        with np.load(folder / "arrays.npz") as found:
            content = {**found, **changed}
        np.savez(folder / "arrays.npz", **{n: a for n, a in content.items() if a is not None})

    return do


def idx(array: np.ndarray) -> bytes:
    """An array as the content of an IDX file."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def in_file(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """A preparation that changes the content of a file."""

    def do(folder: Path) -> None:
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return do


def removed(name: str) -> Callable[[Path], object]:
    """A preparation that removes a file or a folder."""

    def do(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return do


def picture(mode: str = "L", size: tuple[int, int] = (28, 28)) -> Image.Image:
    return Image.new(mode, size, 0)


def frames() -> bytes:
    """Two frames of an animation."""
    first, second = picture(), Image.new("L", (28, 28), 200)
    return saved(first, "GIF", save_all=True, append_images=[second])


def noise() -> Image.Image:
    """A picture that does not compress."""
    pixels = np.random.default_rng(0).integers(0, 256, (90, 90))
    return Image.fromarray(pixels.astype(np.uint8))


def floats() -> Image.Image:
    return Image.fromarray(np.ones((28, 28), dtype=np.float32))


TRAIN_IMAGES, TRAIN_LABELS = "digits/train-images-idx3-ubyte", "digits/train-labels-idx1-ubyte"
ATTRIBUTES, PARTITION = "faces/list_attr_celeba.txt", "faces/list_eval_partition.txt"
FASHION = "clothes/Anno/list_category_img.txt"

FILES = [
    Case("picture", "no picture", "'7.png' is damaged or no image", photos(), one_photo(b"text")),
    Case(
        "picture",
        "PNG cut off",
        "image of data row 8: '7.png' is cut off or damaged",
        photos(),
        in_file("photos/7.png", lambda data: data[: len(data) // 2]),
    ),
    Case(
        "picture",
        "JPEG cut off",
        "image of data row 8: '7.png' is cut off or damaged",
        photos(),
        one_photo(saved(noise(), "JPEG")[:2000]),
    ),
    Case("picture", "zero bytes", "'7.png' is empty", photos(), one_photo(b"")),
    Case("picture", "animated", "is animated", photos(), one_photo(frames())),
    Case(
        "picture",
        "fractions without a known white",
        "32-bit numbers",
        photos(),
        one_photo(saved(floats(), "TIFF")),
    ),
    Case(
        "picture",
        "more pixels than are unpacked",
        f"more than {MOST:,}",
        photos(),
        one_photo(saved(Image.new("1", (9460, 9460)), "PNG")),
    ),
    Case(
        "picture",
        "CMYK",
        "Report:",
        photos(),
        one_photo(saved(picture("CMYK"), "JPEG")),
        works=True,
    ),
    Case(
        "picture", "palette", "Report:", photos(), one_photo(saved(picture("P"), "PNG")), works=True
    ),
    Case(
        "picture",
        "16-bit grey",
        "Report:",
        photos(),
        one_photo(saved(Image.fromarray(np.full((28, 28), 40_000, dtype=np.uint16)), "PNG")),
        works=True,
    ),
    Case(
        "picture",
        "a GIF called .png",
        "Report:",
        photos(),
        one_photo(saved(picture(), "GIF")),
        works=True,
    ),
    Case("picture", "file missing", "'none.png' does not exist", photos(), named("none.png")),
    Case("picture", "row without a file", "names no file", photos(), named("")),
    Case("picture", "path that leaves the folder", "lies outside", photos(), named("../t.csv")),
    Case("picture", "absolute path", "lies outside", photos(), named("/etc/hostname")),
    Case("picture", "link that leaves the folder", "lies outside", photos(), link_out),
    Case("picture", "a folder as picture", "is no file", photos(), named(".")),
    Case("picture", "a pipe as picture", "is no file", photos(), pipe),
    Case("picture", "name of 10,000 characters", "does not exist", photos(), named("n" * 10_000)),
    Case(
        "picture",
        "--skip-bad-images",
        "1 row left out",
        photos("--skip-bad-images"),
        one_photo(b"text"),
        works=True,
    ),
    Case(
        "picture",
        "--skip-bad-images, all bad",
        "image",
        photos("--skip-bad-images"),
        no_photo_is_one,
    ),
    Case(
        "picture",
        "no folder of pictures",
        "--images must name the folder",
        photos(),
        removed("photos"),
    ),
    Case(
        "picture",
        "column of files missing",
        "--image-column must name columns of the table. It has no column 'path'",
        photos("--image-column", "path"),
    ),
    Case(
        "picture",
        "column of files is a number",
        "(one of at least 48 rows with such images)",
        photos("--image-column", "number"),
    ),
]
ARRAYS = [
    Case(
        "archive",
        "cut off",
        "cannot be read as an .npz",
        archive(),
        in_file("arrays.npz", lambda d: d[: len(d) // 2]),
    ),
    Case(
        "archive", "no archive", "cannot be read as an .npz", archive(), write("arrays.npz", "text")
    ),
    Case("archive", "missing", "cannot be read|no ", archive(), removed("arrays.npz")),
    Case(
        "archive", "no array of pictures", "one array of images", archive(), arrays(pictures=None)
    ),
    Case(
        "archive",
        "two arrays of pictures",
        "say which with --images",
        archive(),
        arrays(more=np.zeros((N, 4, 4))),
    ),
    Case(
        "archive",
        "--images names no array",
        "--images must name an array",
        archive("--images", "none"),
    ),
    Case("archive", "no labels", "must have labels", archive(), arrays(side=None)),
    Case(
        "archive",
        "labels of another length",
        "has 3 rows instead",
        archive(),
        arrays(side=np.arange(3), other=np.arange(N)),
    ),
    Case(
        "archive",
        "values beyond 255",
        "0 to 255",
        archive(),
        arrays(pictures=np.full((N, 8, 8), 999)),
    ),
    Case(
        "archive",
        "negative fractions",
        "from 0 to 1",
        archive(),
        arrays(pictures=np.full((N, 8, 8), -0.5)),
    ),
    Case(
        "archive",
        "NaN in a pixel",
        "Got NaN",
        archive(),
        arrays(pictures=np.full((N, 8, 8), np.nan)),
    ),
    Case(
        "archive",
        "seven channels",
        "1 or 3",
        archive(),
        arrays(pictures=np.zeros((N, 8, 8, 7), np.uint8)),
    ),
    Case(
        "archive",
        "no rows",
        "must hold images",
        archive(),
        arrays(pictures=np.zeros((0, 8, 8)), side=np.zeros(0)),
    ),
    Case(
        "archive",
        "text as pictures",
        "must hold numbers",
        archive(),
        arrays(pictures=np.full((N, 2, 2), "a")),
    ),
    Case(
        "archive",
        "objects of Python",
        "never loaded",
        archive(),
        arrays(side=np.array([{"a": 1}] * N, dtype=object)),
    ),
    Case(
        "archive",
        "a single .npy",
        "put images and labels into",
        ["fit", "a.npy", *archive()[2:]],
        write("a.npy", "x"),
    ),
    Case(
        "archive",
        "pictures of a pixel each",
        "Report:",
        archive(),
        arrays(pictures=np.zeros((N, 1, 1), np.uint8)),
        works=True,
    ),
]
LAYOUTS = [
    Case(
        "layout",
        "IDX header cut off",
        "cut off within its header",
        layout("idx", "digits"),
        in_file(TRAIN_IMAGES, lambda d: d[:9]),
    ),
    Case(
        "layout",
        "IDX pixels cut off",
        "fetch it again",
        layout("idx", "digits"),
        in_file(TRAIN_IMAGES, lambda d: d[:-9]),
    ),
    Case(
        "layout",
        "IDX with bytes left over",
        "Got more",
        layout("idx", "digits"),
        in_file(TRAIN_IMAGES, lambda d: d + b"more"),
    ),
    Case(
        "layout",
        "IDX of fractions",
        "unsigned bytes",
        layout("idx", "digits"),
        in_file(TRAIN_IMAGES, lambda d: d[:2] + b"\x0d" + d[3:]),
    ),
    Case(
        "layout",
        "no IDX file",
        "must be an IDX file",
        layout("idx", "digits"),
        write(TRAIN_IMAGES, "text"),
    ),
    Case(
        "layout",
        "gzip cut off",
        "cannot be read",
        layout("idx", "digits"),
        in_file(TRAIN_IMAGES, lambda d: gzip.compress(d)[:-20]),
    ),
    Case(
        "layout",
        "header that promises 64 GiB",
        "fetch it again",
        layout("idx", "digits"),
        in_file(TRAIN_IMAGES, lambda d: d[:4] + struct.pack(">3I", 2**16, 2**10, 2**10) + d[16:]),
    ),
    Case(
        "layout",
        "labels for pictures",
        "must have 3 axes",
        layout("idx", "digits"),
        lambda f: shutil.copy(f / TRAIN_LABELS, f / TRAIN_IMAGES),
    ),
    Case(
        "layout",
        "fewer labels than pictures",
        "one row each",
        layout("idx", "digits"),
        write(TRAIN_LABELS, idx(np.arange(5))),
    ),
    Case(
        "layout",
        "test files missing",
        "the images of t10k must lie in",
        layout("idx", "digits"),
        removed("digits/t10k-images-idx3-ubyte"),
    ),
    Case(
        "layout",
        "IDX files as CelebA",
        "the attributes of CelebA must lie",
        layout("celeba", "digits"),
    ),
    Case(
        "layout",
        "CelebA as DeepFashion",
        "the categories of DeepFashion must lie",
        layout("deepfashion", "faces"),
    ),
    Case("layout", "a file as folder", "--layout must name a folder", layout("idx", "t.csv")),
    Case("layout", "unknown", "--layout must be one of", layout("imagenet", "digits")),
    Case(
        "layout",
        "with --images",
        "leave --images and --image-column out",
        layout("idx", "digits", "--images", "photos"),
    ),
    Case(
        "layout",
        "CelebA with a label of 0",
        "times 1 or -1",
        layout("celeba", "faces"),
        in_file(ATTRIBUTES, lambda d: d.replace(b" -1", b" 0", 1)),
    ),
    Case(
        "layout",
        "CelebA with a line missing",
        "as many lines as its first line says",
        layout("celeba", "faces"),
        in_file(ATTRIBUTES, lambda d: d[: d.rindex(b"0")]),
    ),
    Case(
        "layout",
        "CelebA without its partition",
        "the partition of CelebA",
        layout("celeba", "faces"),
        removed(PARTITION),
    ),
    Case(
        "layout",
        "CelebA with an unknown side",
        "one of '0', '1', '2'",
        layout("celeba", "faces"),
        in_file(PARTITION, lambda d: d.replace(b" 2", b" 7", 1)),
    ),
    Case(
        "layout",
        "CelebA with a picture in no side",
        "must name every image",
        layout("celeba", "faces"),
        in_file(PARTITION, lambda d: d.split(b"\n", 1)[1]),
    ),
    Case(
        "layout",
        "CelebA with a picture missing",
        "'00.png' does not exist",
        layout("celeba", "faces"),
        removed("faces/img_align_celeba/00.png"),
    ),
    Case(
        "layout",
        "DeepFashion with category 99",
        "a category from 1 to 2",
        layout("deepfashion", "clothes"),
        in_file(FASHION, lambda d: d.replace(b" 1\n", b" 99\n", 1)),
    ),
    Case(
        "layout",
        "--join of no layout",
        "LAYOUT:FOLDER",
        layout("idx", "digits", "--join", "digits"),
    ),
    Case(
        "layout",
        "--join of the same folder",
        "name each data set once",
        layout("idx", "digits", "--join", "idx:digits"),
    ),
    Case(
        "layout",
        "--join of no folder",
        "No folder at",
        layout("idx", "digits", "--join", "idx:none"),
    ),
    Case(
        "layout",
        "two IDX folders joined",
        "idx:digits.label",
        layout("idx", "digits", "--join", "idx:more"),
        lambda f: shutil.copytree(f / "digits", f / "more"),
        works=True,
    ),
]
SETTINGS = [
    Case("picture option", "--image-size 0", "--image-size must be", photos("--image-size", "0")),
    Case(
        "picture option",
        "--image-size many",
        "--image-size must be",
        photos("--image-size", "many"),
    ),
    Case("picture option", "--image-size 99999", "from 1 to 8192", photos("--image-size", "99999")),
    Case("picture option", "--width -1", "--width must be a whole number", photos("--width=-1")),
    Case(
        "picture option",
        "--width beyond the memory",
        "more than|memory",
        photos("--backbone", "resnet18", "--width", "99999999"),
    ),
    Case(
        "picture option",
        "--width of an mlp",
        "--width is for --backbone",
        photos("--backbone", "mlp"),
    ),
    Case("picture option", "--shift -2", "--shift must be 0 or more", photos("--shift=-2")),
    Case(
        "picture option",
        "--shift beyond the picture",
        "--shift must be less than",
        photos("--shift", "400"),
    ),
    Case(
        "picture option",
        "--flip for a table",
        "are for pictures",
        ["fit", "t.csv", "--targets", "g*", "--output", "out", "--flip"],
    ),
    Case(
        "picture option",
        "--backbone vgg16 for a table",
        "is for pictures",
        ["fit", "t.csv", "--targets", "g*", "--output", "out", "--backbone", "vgg16"],
    ),
    Case(
        "picture option",
        "--images without a column",
        "--image-column must name",
        ["fit", "labels.csv", "--images", "photos", "--targets", "left", "--output", "out"],
    ),
    Case(
        "picture option",
        "--image-column without --images",
        "needs --images",
        ["fit", "labels.csv", "--image-column", "file", "--targets", "left", "--output", "out"],
    ),
    Case(
        "picture option",
        "--image-cache that is a file",
        "choose another folder with --image-cache",
        photos("--image-cache", "t.csv"),
    ),
    Case(
        "picture option",
        "--one-vs-rest of no column",
        "--one-vs-rest must name columns of the table. It has no column 'none'",
        photos("--one-vs-rest", "none"),
    ),
    Case(
        "picture option",
        "--paper with an mlp",
        "--backbone vgg16",
        photos("--paper", "--backbone", "resnet18"),
    ),
    Case(
        "picture option",
        "--paper, no steps",
        "--iterations must be",
        photos("--paper", "--iterations", "0"),
    ),
    Case(
        "picture option",
        "settings beside --paper",
        "--paper does without --set",
        photos("--paper", "--set", "fully-adaptive.decay=.5"),
    ),
    Case(
        "picture option",
        "--paper in groups",
        "--groups is for --sharing",
        photos("--paper", "--groups", "2"),
    ),
    Case(
        "picture option",
        "--paper at full width",
        "grows from a thin network",
        photos("--paper", "--width", "0"),
    ),
    Case(
        "picture option",
        "--iterations without --paper",
        "--iterations is for --sharing",
        photos("--iterations", "9"),
    ),
    Case(
        "archive",
        "--image-column",
        "--image-column is for a table of file names",
        archive("--image-column", "file"),
    ),
    Case(
        "picture option",
        "--paper, no tests",
        "--interval must be",
        photos("--paper", "--interval", "0"),
    ),
    Case(
        "picture option", "steps of a single picture", "2 rows or more", photos("--batch-size", "1")
    ),
    Case(
        "picture option",
        "--start-from a model of a table",
        "of the kind 'vgg16'",
        photos("--start-from", "model"),
    ),
    Case(
        "picture option",
        "--start-from other pictures",
        "inputs of the same shape",
        archive("--start-from", "pictures", "--image-size", "20"),
    ),
    Case(
        "picture option",
        "--start-from a narrower network",
        "--start-from 'pictures' cannot be used",
        photos("--start-from", "pictures", "--image-size", "28", "--width", "9"),
    ),
    Case(
        "picture option",
        "--start-from no weights",
        "cannot read the weights",
        photos("--start-from", "t.csv"),
    ),
    Case(
        "picture option",
        "--start-from nothing",
        "There is nothing at 'none'",
        photos("--start-from", "none"),
    ),
    Case(
        "picture option",
        "--start-from with a linear model",
        "--start-from is for networks",
        photos("--start-from", "pictures", "--sharing", "linear:dirty"),
    ),
    Case(
        "picture option",
        "--soft-labels-from a model of other tasks",
        "must know a binary task of this run",
        photos("--soft-labels-from", "model"),
    ),
    Case(
        "picture option",
        "--soft-labels-from nothing",
        "--soft-labels-from 'none' cannot be used: no model description",
        photos("--soft-labels-from", "none"),
    ),
]
PREDICTIONS = [
    Case(
        "predict pictures",
        "new pictures",
        "Predictions: p.csv",
        predict_pictures(*OF_FILES),
        works=True,
    ),
    Case(
        "predict pictures",
        "an archive",
        "Predictions: p.csv",
        predict_pictures(table="arrays.npz"),
        works=True,
    ),
    Case(
        "predict pictures",
        "an IDX file",
        "Predictions: p.csv",
        predict_pictures(table=TRAIN_IMAGES),
        works=True,
    ),
    Case("predict pictures", "IDX labels", "axes|images", predict_pictures(table=TRAIN_LABELS)),
    Case(
        "predict pictures",
        "a table without --images",
        "this model reads pictures",
        predict_pictures(),
    ),
    Case(
        "predict pictures",
        "a model of a table",
        "models of pictures",
        predict_pictures(model="model", table="arrays.npz"),
    ),
    Case(
        "predict pictures", "--images alone", "go together", predict_pictures("--images", "photos")
    ),
    Case(
        "predict pictures",
        "no picture",
        "take its row out",
        predict_pictures(*OF_FILES),
        one_photo(b"text"),
    ),
    Case(
        "predict pictures",
        "column of files missing",
        "--image-column must name columns of the table. It has no column 'path'",
        predict_pictures("--images", "photos", "--image-column", "path"),
    ),
    Case(
        "predict pictures",
        "no folder",
        "No folder at",
        predict_pictures("--images", "none", "--image-column", "file"),
    ),
    Case(
        "predict pictures", "a folder", "must be|folder|no table", predict_pictures(table="digits")
    ),
]
PICTURES = [*FILES, *ARRAYS, *LAYOUTS, *SETTINGS, *PREDICTIONS]


def make_pictures(folder: Path) -> None:
    """Small sets of pictures in every form, and a model of pictures, that the cases copy."""
    rng = np.random.default_rng(0)
    side = np.arange(N) % 3
    pixels = rng.integers(0, 60, (N, 28, 28))
    for i, where in enumerate(side):
        pixels[i, :, 9 * where : 9 * where + 9] += 150
    pixels = pixels.astype(np.uint8)
    (folder / "photos").mkdir()
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(folder / "photos" / f"{i}.png")
    columns = {"left": side == 0, "right": side == 2, "number": rng.normal(size=N)}
    files = [f"{i}.png" for i in range(N)]
    pl.DataFrame({"file": files, **columns}).write_csv(folder / "labels.csv")
    np.savez(folder / "arrays.npz", pictures=pixels, side=side)
    _make_layouts(folder, pixels, side)
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        main([*photos("--image-size", "28", "--sharing", "hard"), "--output", "pictures"])
    (folder / "pictures" / ".lock").unlink(missing_ok=True)


def _make_layouts(folder: Path, pixels: np.ndarray, side: np.ndarray) -> None:
    for name in ("digits", "faces/img_align_celeba", "clothes/img", "clothes/Anno", "clothes/Eval"):
        (folder / name).mkdir(parents=True)
    for part, some in (("train", slice(0, 36)), ("t10k", slice(36, N))):
        (folder / "digits" / f"{part}-images-idx3-ubyte").write_bytes(idx(pixels[some]))
        (folder / "digits" / f"{part}-labels-idx1-ubyte").write_bytes(idx(side[some]))
    n = 24
    for i in range(n):
        Image.fromarray(pixels[i]).save(folder / "faces" / "img_align_celeba" / f"{i:02}.png")
        Image.fromarray(pixels[i]).save(folder / "clothes" / "img" / f"{i:02}.png")
    ones = ["1" if s == 0 else "-1" for s in side[:n]]
    rows = [f"{i:02}.png {one} {-int(one)}" for i, one in enumerate(ones)]
    (folder / ATTRIBUTES).write_text("\n".join([f"{n}", "Left Elsewhere", *rows]) + "\n")
    sides = [f"{i:02}.png {i % 3}" for i in range(n)]
    (folder / PARTITION).write_text("\n".join(sides) + "\n")
    (folder / "clothes/Anno/list_category_cloth.txt").write_text("2\nname type\nCoat 1\nShoe 2\n")
    rows = [f"img/{i:02}.png {1 + i % 2}" for i in range(n)]
    (folder / FASHION).write_text("\n".join([f"{n}", "name label", *rows]) + "\n")
    parts = [f"img/{i:02}.png {('train', 'val', 'test')[i % 3]}" for i in range(n)]
    (folder / "clothes/Eval/list_eval_partition.txt").write_text(
        "\n".join([f"{n}", "name status", *parts]) + "\n"
    )
