"""Pictures on the command line: every way to name them, and what is said where they do not fit."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from tests.unit.cli._command import Said, ramify
from tests.unit.data.images.layouts._layout_folders import idx_bytes

QUICK = (
    *("--width", "4", "--epochs", "1", "--growing-epochs", "1", "--candidates", "2"),
    *("--baselines", "none", "--batch-size", "16"),
)
N = 48


def pixels(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures that are bright on the left or the right, and which side it is."""
    rng = np.random.default_rng(seed)
    side = rng.integers(0, 3, N)
    found = rng.integers(0, 60, (N, 28, 28))
    for i, s in enumerate(side):
        found[i, :, 9 * s : 9 * s + 9] += 150
    return found.astype(np.uint8), side


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    images, side = pixels()
    (folder / "files").mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / "files" / f"{i}.png")
    labels = {"left": side == 0, "right": side == 2, "side": [f"s{s}" for s in side]}
    names = [f"{i}.png" for i in range(N)]
    pl.DataFrame({"file": names, **labels, "flat": 1}).write_csv(folder / "labels.csv")
    np.savez(folder / "arrays.npz", pictures=images, side=side)
    said = fit(folder, folder / "run", "--image-size", "28")
    assert said.code == 0, said.err
    return folder


def fit(folder: Path, output: Path, *more: str, targets: str = "left,right") -> Said:
    files = ("--images", str(folder / "files"), "--image-column", "file")
    cache = ("--image-cache", str(folder / "cache"))
    words: list[str | Path] = ["fit", folder / "labels.csv", *files, *cache, *QUICK, *more]
    return ramify(*words, "--targets", targets, "--output", output)


def test_a_small_network_of_the_width_that_was_asked_for(base: Path, tmp_path: Path) -> None:
    more = ("--backbone", "cnn", "--width", "4", "--image-size", "28", "--sharing", "single-task")
    said = fit(base, tmp_path / "run", *more)
    assert said.code == 0, said.err
    settings = json.loads((tmp_path / "run" / "model.json").read_text())["backbone"]["settings"]
    assert settings["channels"] == [4, 6, 8]
    assert settings["hidden"] == [32]


def test_a_folder_of_files_gives_a_run_with_a_report(base: Path) -> None:
    record = json.loads((base / "run" / "record.json").read_text())
    assert record["data"]["features"] == {"channels": 1, "pixels high": 28, "pixels wide": 28}
    assert record["settings"]["backbone"] == "vgg16"
    assert set(record["examples"]) == {"left", "right"}
    assert set(record["scores"]["overall"]) == {"mean accuracy", "mean balanced accuracy"}
    page = (base / "run" / "report.html").read_text()
    assert "data:image/png;base64," in page
    assert "What the groups look like" in page


def test_files_are_predicted_in_the_order_of_the_table(base: Path, tmp_path: Path) -> None:
    table = pl.read_csv(base / "labels.csv").select("file")
    table.reverse().write_csv(tmp_path / "back.csv")
    for name in ("labels.csv", "back.csv"):
        source = base / name if name == "labels.csv" else tmp_path / name
        said = ramify(
            *("predict", base / "run", source, "--images", base / "files"),
            *("--image-column", "file", "--output", tmp_path / f"{name}.out.csv"),
        )
        assert said.code == 0, said.err
    there = pl.read_csv(tmp_path / "labels.csv.out.csv")
    back = pl.read_csv(tmp_path / "back.csv.out.csv")
    assert there.equals(back.reverse())
    assert there.columns == ["left", "right"]


def test_an_archive_one_against_the_rest_on_a_residual_network(base: Path, tmp_path: Path) -> None:
    said = ramify(
        *("fit", base / "arrays.npz", "--targets", "side=*", "--one-vs-rest", "side"),
        *("--backbone", "resnet18", "--shift", "2", "--flip", "--output", tmp_path / "run", *QUICK),
    )
    assert said.code == 0, said.err
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert [task["name"] for task in record["tasks"]] == ["side=0", "side=1", "side=2"]
    assert "Augmentation(padding=2, flip=True)" in record["settings"]["augmentation"]
    assert "top-1 accuracy of side" in record["scores"]["overall"]
    said = ramify("predict", tmp_path / "run", base / "arrays.npz", "--output", tmp_path / "p.csv")
    assert said.code == 0, said.err
    assert len(pl.read_csv(tmp_path / "p.csv")) == N


def test_soft_labels_fill_the_gaps_of_training_rows(base: Path, tmp_path: Path) -> None:
    """A run whose table lacks every second label of a task that another run knows."""
    table = pl.read_csv(base / "labels.csv").with_row_index()
    half = table.with_columns(left=pl.when(pl.col("index") % 2 == 0).then("left")).drop("index")
    half.write_csv(base / "half.csv")
    common = ("--images", base / "files", "--image-column", "file", "--image-size", "28")
    ways: dict[str, list[str]] = {"masked": [], "soft": ["--soft-labels-from", f"{base / 'run'}"]}
    for name, more in ways.items():
        said = ramify(
            *("fit", base / "half.csv", *common, "--image-cache", base / "cache"),
            *("--targets", "left,right", "--output", tmp_path / name, *QUICK),
            *more,
        )
        assert said.code == 0, said.err
    masked, soft = (
        json.loads((tmp_path / name / "record.json").read_text()) for name in ("masked", "soft")
    )
    filled = [words for words in soft["warnings"] if "filled in by soft labels" in words]
    missing = soft["data"]["rows"]["train"] - soft["data"]["labels"][0]["train"]
    assert filled == [f"{missing} missing labels of training rows filled in by soft labels"]
    assert masked["data"]["labels"] == soft["data"]["labels"]  # observed labels only
    assert masked["curves"][0]["loss"] != soft["curves"][0]["loss"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--layout", "celeba"), "leave --images and --image-column out"),
        (("--image-size", "many"), "--image-size must be 64 or 64x48"),
        (("--image-size", "0"), "--image-size must be a height and a width from 1 to 8192"),
        (("--width", "-1"), "--width must be a whole number of at least 0"),
        (
            ("--backbone", "mlp", "--width", "3"),
            "--width is for --backbone cnn or vgg16 or resnet18 or resnet34",
        ),
        (("--backbone", "cnn", "--width", "0"), "--width must be a whole number of at least 1"),
        (("--batch-size", "1"), "needs 2 rows or more per step. Got 1; raise --batch-size"),
        (("--backbone", "resnet18", "--width", "100000000"), "use smaller widths"),
        (("--shift", "-2"), "--shift must be 0 or more"),
        (("--join", "celeba:photos"), "--join needs --layout"),
        (("--batch-size", "0"), "--batch-size must be 1 or more"),
        (
            ("--backbone", "resnet34", "--width", "0"),
            "--width must be a whole number of at least 1",
        ),
        (
            ("--sharing", "linear:dirty", "--start-from", "run"),
            "--start-from is for networks. Got --sharing 'linear'; leave",
        ),
        (
            ("--soft-labels-from", "nowhere"),
            "--soft-labels-from 'nowhere' cannot be used: no model",
        ),
        (("--start-from", "nowhere"), "--start-from must name the directory of a run, or a file"),
        (("--start-from", "/"), "--start-from '/' cannot be used: no model description"),
        (("--image-cache", "/proc/no"), "choose another folder with --image-cache"),
        (("--images", "nowhere"), "--images must name the folder of the files. No folder at"),
        (("--image-column", "flie"), "--image-column must name columns of the table. It has no"),
        (("--image-column", "left"), "(one of at least 48 rows with such images)"),
        (("--one-vs-rest", "nothing"), "--one-vs-rest must name columns of the table. It has no"),
        (("--one-vs-rest", "flat"), "--one-vs-rest must name columns of 2 to 1,000 different"),
        (
            ("--sharing", "selective", "--groups", "3"),
            "--groups must be at most the number of tasks, 2",
        ),
        (("--task-column", "left"), "must not name a target"),
        (("--sharing", "linear:magic"), "must be one of"),
        (("--paper", "--groups", "2"), "--groups is for --sharing selective or"),
        (
            ("--paper", "--balance", "--tree", "t.json"),
            "--tree is for --sharing tree. Got fully-adaptive:paper",
        ),
        (("--paper", "--weighting", "upgrad"), "fully-adaptive:paper does without --weighting"),
        (("--paper", "--balance"), "fully-adaptive:paper does without --balance"),
        (("--paper", "--set", "fully-adaptive.decay=0.9"), "--paper does without --set fully-ad"),
        (("--paper", "--width", "0"), "--paper grows from a thin network. Got --width 0"),
        (("--paper", "--iterations", "0"), "--iterations must be"),
        (("--iterations", "4"), "--iterations is for --sharing fully-adaptive:paper"),
        (("--interval", "4"), "--interval is for --sharing fully-adaptive:paper or selective"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    base: Path, tmp_path: Path, more: tuple[str, ...], message: str
) -> None:
    said = fit(base, tmp_path / "run", *more)
    assert said.code == 2
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_the_papers_preset_takes_the_papers_batches(base: Path, tmp_path: Path) -> None:
    words: list[str | Path] = ["fit", base / "labels.csv", "--images", base / "files"]
    words += ["--image-column", "file", "--image-cache", base / "cache", "--image-size", "28"]
    words += ["--targets", "left,right", "--width", "4", "--baselines", "none"]
    said = ramify(*words, "--paper", "--iterations", "2", "--output", tmp_path / "run")
    assert said.code == 0, said.err
    settings = json.loads((tmp_path / "run" / "record.json").read_text())["settings"]
    assert settings["batch_size"] == 32
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    assert model["backbone"]["settings"]["affine"] is False
    assert model["backbone"]["settings"]["width"] == 4


def test_codes_of_idx_files_are_classes_however_many(tmp_path: Path) -> None:
    codes = np.arange(60) % 15 * 5
    for name, array in (("images-ubyte", np.zeros((60, 8, 8))), ("labels-ubyte", codes)):
        (tmp_path / name).write_bytes(idx_bytes(array))
    said = ramify(
        *("fit", tmp_path / "labels-ubyte", "--images", tmp_path / "images-ubyte"),
        *("--sharing", "hard", "--output", tmp_path / "run", *QUICK),
    )
    assert said.code == 0, said.err
    assert "'label': multiclass of 15" in said.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("files",), "--layout must say whose files the folder"),
        (("pictures.npy",), "put images and labels into an .npz archive"),
        (("labels-idx1-ubyte",), "name that of images with --images"),
        (("labels.csv", "--image-size", "8"), "--image-size must go with pictures"),
        (("labels.csv", "--skip-bad-images"), "--skip-bad-images must go with pictures"),
        (("labels.csv", "--image-cache", "cache"), "--image-cache must go with pictures"),
        (("labels.csv", "--targets", "left", "--backbone", "vgg16"), "--backbone vgg16 is for pic"),
        (("files", "--layout", "idx", "--join", "celeba"), "--join must be LAYOUT:FOLDER"),
        (("files", "--layout", "idx", "--join", "celeba:"), "--join must be LAYOUT:FOLDER"),
        (("files", "--layout", "idx", "--join", "celeba:none"), "--join must name a folder"),
        (("files", "--layout", "idx", "--join", "mnist:files"), "--join must be LAYOUT:FOLDER"),
        (("arrays.npz", "--targets", "short"), "'short' has 3 rows instead of 48"),
        (("arrays.npz", "--images", "none"), "--images must name an array of"),
        (("arrays.npz", "--images", "side"), "--images 'side' of"),
        (("arrays.npz", "--image-column", "file"), "--image-column is for a table of file names"),
        (("labels.csv", "--images", "none"), "--images must name a folder of image files, or an"),
        (
            ("labels.csv", "--images", __file__),
            "is no folder, so both it and the table must be IDX",
        ),
    ],
)
def test_what_is_no_source_of_pictures_is_named_by_its_option(
    base: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    images, side = pixels()
    np.savez(base / "arrays.npz", pictures=images, side=side, short=side[:3])
    source, *more = words
    said = ramify("fit", base / source, *more, "--output", tmp_path / "run")
    assert said.code == 2
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("targets", [(), ("--targets", "side")])
def test_columns_one_against_the_rest_are_targets_unasked(
    base: Path, tmp_path: Path, targets: tuple[str, ...]
) -> None:
    said = ramify(
        *("fit", base / "arrays.npz", "--one-vs-rest", "side", "--sharing", "hard"),
        *targets,
        *("--output", tmp_path / "run", *QUICK),
    )
    assert said.code == 0, said.err
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert [task["name"] for task in record["tasks"]] == ["side=0", "side=1", "side=2"]


def test_a_damaged_file_is_named_and_may_be_left_out(base: Path, tmp_path: Path) -> None:
    table = pl.read_csv(base / "labels.csv")
    (base / "files" / "bad.png").write_bytes(b"no picture")
    row = pl.DataFrame({"file": ["bad.png"], "left": [True], "right": [False], "side": ["s0"]})
    row = row.with_columns(flat=pl.lit(1, pl.Int64))
    pl.concat([table, row]).write_csv(base / "with_bad.csv")
    common = (
        *("fit", base / "with_bad.csv", "--images", base / "files", "--image-column", "file"),
        *("--image-cache", tmp_path / "cache", "--targets", "left,right", "--image-size", "28"),
        *QUICK,
    )
    said = ramify(*common, "--output", tmp_path / "strict")
    assert said.code == 2
    assert "'bad.png'" in said.err
    assert "--skip-bad-images" in said.err
    said = ramify(*common, "--output", tmp_path / "lenient", "--skip-bad-images")
    assert said.code == 0, said.err
    assert "1 row left out" in " ".join(said.out.split())


def test_soft_labels_that_fill_in_nothing_are_said_and_strangers_refused(
    base: Path, tmp_path: Path
) -> None:
    said = fit(base, tmp_path / "a", "--image-size", "28", "--soft-labels-from", f"{base / 'run'}")
    assert "soft labels filled in nothing" in said.out
    more = ("--image-size", "28", "--soft-labels-from", f"{base / 'run'}")
    said = fit(base, tmp_path / "b", *more, targets="side")
    assert "of which there are none. It knows 'left', 'right'" in said.err


def test_a_bad_file_to_predict_is_named_with_what_can_be_done(base: Path, tmp_path: Path) -> None:
    for name in ("none.png", "empty.png"):
        (tmp_path / "t.csv").write_text(f"file\n0.png\n{name}\n")
        (base / "files" / "empty.png").write_bytes(b"no picture")
        said = ramify(
            *("predict", base / "run", tmp_path / "t.csv", "--images", base / "files"),
            *("--image-column", "file", "--output", tmp_path / "p.csv"),
        )
        assert said.code == 2
        assert f"image of data row 2: '{name}'" in said.err
        assert "take its row out of the table" in said.err
        assert "--skip-bad-images" not in said.err


def test_pictures_for_a_model_of_a_table_are_refused(base: Path, tmp_path: Path) -> None:
    said = ramify(
        *("fit", base / "labels.csv", "--targets", "left", "--output", tmp_path / "run"),
        *("--hidden", "4", "--ignore", "file,side", *QUICK[2:]),
    )
    assert said.code == 0, said.err
    said = ramify("predict", tmp_path / "run", base / "arrays.npz", "--output", tmp_path / "p.csv")
    assert said.code == 2
    assert ".npz archives and IDX files are for models of pictures" in said.err


def test_a_model_says_what_it_reads(base: Path, tmp_path: Path) -> None:
    said = ramify("predict", base / "run", base / "labels.csv", "--output", tmp_path / "p.csv")
    assert said.code == 2
    assert "this model reads pictures" in said.err
    said = ramify(
        *("fit", base / "labels.csv", "--targets", "left", "--shift", "1", "--ignore", "file"),
        *("--output", tmp_path / "run", *QUICK[2:]),
    )
    assert said.code == 2
    assert "--shift and --flip are for pictures" in said.err


def test_a_linear_model_of_pixels(base: Path, tmp_path: Path) -> None:
    said = fit(base, tmp_path / "run", "--sharing", "linear:trace-norm", "--image-size", "14")
    assert said.code == 0, said.err
    files = ("--images", base / "files", "--image-column", "file")
    said = ramify(
        *("predict", tmp_path / "run", base / "labels.csv", *files, "--output", tmp_path / "p.csv")
    )
    assert said.code == 0, said.err
