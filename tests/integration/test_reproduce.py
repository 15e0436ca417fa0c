"""The experiments of the paper as a command: small data sets, bad options, the paper's figures."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.unit.data.images.layouts._layout_folders import write_celeba, write_deepfashion

FAFS = Path(__file__).resolve().parents[2] / "benchmarks" / "fafs"
QUICK = (
    *("--preset", "small", "--epochs", "1", "--interval", "2", "--size", "8", "--threads", "1"),
    *("--full-width", "4", "--widths", "2", "--batch-size", "8", "--rows", "low-rank"),
)


@pytest.fixture
def fafs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.syspath_prepend(str(FAFS))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("ramify.data.ImageReading.n_workers", 0)
    return importlib.import_module("reproduce")


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    return write_celeba(tmp_path / "celeba", 60)


def run(fafs: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["reproduce.py", *map(str, words)])
    fafs.main()


def test_every_order_of_the_leaves_gets_a_row(
    fafs: ModuleType,
    celeba: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = ("--ablations", "--output", tmp_path / "rows.json")
    run(fafs, monkeypatch, "--data", "celeba", "--root", celeba, *QUICK, *more)
    rows = json.loads((tmp_path / "rows.json").read_text())
    orders = ("original", "random 1", "random 2", "random 3", "inverse")
    names = [f"tree of Branch-2-2, leaves {order}" for order in orders]
    assert [row["name"] for row in rows] == ["full-4", "low-rank", "Branch-2-2", *names]
    said = capsys.readouterr().out
    assert "M weights" not in said
    assert "Its figures are not shown beside others." in said


def test_two_data_sets_are_learned_together(
    fafs: ModuleType,
    celeba: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = write_deepfashion(tmp_path / "deepfashion", 30)
    run(fafs, monkeypatch, "--data", "joint", "--root", celeba, other, *QUICK)
    assert "mean accuracy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--targets", "nosuch"), "--targets must name columns of the table"),
        (("--targets", "Bald", "Bald"), "--targets must name each column once"),
        (("--device", "toaster"), "--device must be auto, cpu, cuda or another that is present"),
        (("--alphas", "nan"), "--alphas must be finite"),
        (("--learning-rate", "nan"), "--learning-rate must be finite"),
        (("--batch-size", "1"), "--batch-size must be 2 or more. Got 1"),
        (("--train", "0"), "--train must be 3 or more. Got 0"),
        (("--seeds", "0"), "--seeds must be 1 or more. Got 0"),
        (("--shift", "8"), "--shift must be less than the side, 8. Got 8"),
        (("--widths", "8"), "--widths must be at most --full-width, 4. Got 8"),
        (("--root", "nowhere"), "--root must name folders. No folder at nowhere"),
        (("--data", "joint"), "--root must name 2 for --data joint. Got 1"),
        (("--output", "nowhere/rows.json"), "--output must be a file in a folder that exists"),
    ],
)
def test_a_bad_option_is_one_line_before_anything_trains(
    fafs: ModuleType,
    celeba: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    words: str,
) -> None:
    with pytest.raises(SystemExit) as left:
        run(fafs, monkeypatch, "--data", "celeba", "--root", celeba, *QUICK, *more)
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert words in said.err


@pytest.mark.parametrize(
    ("more", "name", "n_outputs", "figures"),
    [
        ("", "VGG-16", 40, "134.41 M weights"),
        ("", "low-rank", 40, "4.52 M weights"),
        ("--train 100", "low-rank", 40, "4.52 M weights"),
        ("", "Branch-64-1", 40, "accuracy 91.26 %"),
        ("--preset small --size 224", "Branch-64-1", 40, ""),
        ("--train 100", "Branch-64-1", 40, ""),
        ("--size 64", "low-rank", 40, ""),
        ("--preset small", "low-rank", 40, ""),
        ("--full-width 64", "low-rank", 40, ""),
        ("--targets Bald", "low-rank", 40, ""),
        ("", "low-rank", 3, ""),
        ("--data joint", "low-rank", 40, ""),
        ("--data deepfashion", "VGG-16", 46, "134.45 M weights; top-3 86.72 %, top-5 92.51 %"),
        ("--data deepfashion --preset small --size 224", "VGG-16", 50, "134.45 M weights"),
    ],
)
def test_the_papers_figures_stand_beside_its_own_setting_only(
    fafs: ModuleType, more: str, name: str, n_outputs: int, figures: str
) -> None:
    asked = fafs.parsed(fafs.parser(""), ["--data", "celeba", "--root", "x", *more.split()])
    assert fafs.published(asked, name, n_outputs) == figures
