"""``ramify regions``: two files whatever the tasks are called, and one line where it cannot be."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from tests.unit.cli._command import Said, fit, make_table, ramify

HOSTILE = "</style><script>alert(1)</script>"
QUICK = (
    *("--width", "4", "--epochs", "1", "--batch-size", "16", "--baselines", "none"),
    *("--sharing", "single-task"),
)
N = 40


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regions")
    rng = np.random.default_rng(0)
    side = np.arange(N) % 2
    pictures = rng.integers(0, 60, (N, 28, 28))
    pictures[side == 1, :, :14] += 150
    images = pictures.astype(np.uint8)
    labels: dict[str, Any] = {HOSTILE: side, "other": 1 - side}
    np.savez(folder / "all.npz", images=images, **labels)
    np.savez(folder / "new.npz", images=images[:12])
    targets = ("--targets", f"{HOSTILE},other")
    made = ramify("fit", folder / "all.npz", *targets, "--output", folder / "run", *QUICK)
    assert made.code == 0, made.err
    shutil.copytree(folder / "run", folder / "second")
    table = make_table(folder / "table.csv")
    assert fit(table, folder / "tabular").code == 0
    return folder


def regions(base: Path, *more: str | Path, run: str = "run") -> Said:
    return ramify("regions", base / run, base / "new.npz", *more)


def test_two_files_hold_the_regions_and_nothing_of_a_name_is_markup(base: Path) -> None:
    said = regions(base, "--rows", "5")
    assert said.code == 0, said.err
    page = (base / "run" / "regions.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("</style>") == 1
    record = json.loads((base / "run" / "regions.json").read_text(encoding="utf-8"))
    assert record["n_images"] == 5
    assert record["tasks"] == [HOSTILE, "other"]
    assert len(record["models"][0]["pictures"][HOSTILE]) == 5
    assert not list((base / "run").glob(".regions*"))


def test_another_model_stands_beside_it(base: Path) -> None:
    said = regions(base, "--against", base / "second", "--method", "grad-cam")
    assert said.code == 0, said.err
    record = json.loads((base / "run" / "regions.json").read_text(encoding="utf-8"))
    assert [model["name"] for model in record["models"]] == ["run", "second"]
    page = (base / "run" / "regions.html").read_text(encoding="utf-8")
    assert page.count("<img") == 8 * (1 + 2 * 2)


def test_files_of_pictures_work_as_well(base: Path, tmp_path: Path) -> None:
    pixels = np.load(base / "new.npz")["images"]
    for i in range(3):
        Image.fromarray(pixels[i]).save(tmp_path / f"{i}.png")
    names = [f"{i}.png" for i in range(3)]
    pl.DataFrame({"file": names}).write_csv(tmp_path / "new.csv")
    options = ("--images", tmp_path, "--image-column", "file")
    assert ramify("regions", base / "run", tmp_path / "new.csv", *options).code == 0
    (tmp_path / "1.png").write_bytes(b"no picture")
    said = ramify("regions", base / "run", tmp_path / "new.csv", *options)
    assert said.code == 2
    assert "1.png" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--rows", "0"), "--rows must be 1 or more. Got 0"),
        (("--stage", "0"), "--stage must be one of the first"),
        (("--stage", "99"), "--stage must be one of the first"),
        (("--share", "1"), "--share must be above 0 and below 1"),
        (("--method", "magic"), "--method must be one of"),
        (("--against", "nowhere"), "no model description"),
    ],
)
def test_a_bad_option_is_one_line(base: Path, options: tuple[str, ...], words: str) -> None:
    said = regions(base, *options)
    assert said.code == 2
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_model_cannot_stand_beside_itself(base: Path) -> None:
    said = regions(base, "--against", base / "run")
    assert said.code == 2
    assert "--against must be another directory" in said.err


@pytest.mark.parametrize(
    ("run", "pictures", "words"),
    [
        ("tabular", "new.npz", "this model reads a table"),
        ("tabular", "table.csv", "activation regions need a model of pictures"),
        ("run", "table.csv", "this model reads pictures"),
        ("run", "missing.npz", "missing.npz"),
        ("nowhere", "new.npz", "no model description"),
    ],
)
def test_what_does_not_fit_is_one_line(base: Path, run: str, pictures: str, words: str) -> None:
    said = ramify("regions", base / run, base / pictures)
    assert said.code == 2
    assert words in said.err
    assert said.err.count("\n") == 1


def test_without_captum_it_says_what_to_install(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    said = regions(base)
    assert said.code == 2
    assert "pip install 'ramify[regions]'" in said.err
    assert said.err.count("\n") == 1
