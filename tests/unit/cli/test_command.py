"""The verbs, end to end in one process."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.unit.cli._command import fit, make_table, ramify

from ramify import load
from ramify.cli._options_from_signature import options_of
from ramify.cli._overview import SUMMARIES, tell_overview
from ramify.cli._parser import VERBS, build_parser, parsed_options
from ramify.cli._words import kinds_and_levels_in, names_in
from ramify.data import open_table
from ramify.tasks import Ordinal

HOSTILE = {
    "g0_t0": "<script>alert('x')</script>",
    "g0_t1": 'quo"te, comma',
    "g1_t0": "two\nlines\nthree",
    "g1_t1": "n" * 10_000,
    "x00": "<img src=x onerror=alert(1)>",
    "x01": "*^.+[b]$",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, the directory of a finished run, and what it said."""
    folder = tmp_path_factory.mktemp("base")
    said = fit(make_table(folder / "t.csv"), folder / "run")
    assert said.code == 0, said.err
    (folder / "said.txt").write_text(said.out)
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], "{demo,fit,compare,grouping,evaluate,predict,report,regions}"),
        (["demo", "--help"], "Tox21"),
        (["fit", "--help"], "--max-parameters"),
        (["predict", "--help"], "--output"),
        (["report", "--help"], "DIRECTORY"),
    ],
)
def test_help_explains_every_verb(arguments: list[str], words: str) -> None:
    said = ramify(*arguments)
    assert said.code == 0
    assert "usage: ramify" in said.out
    assert words in said.out


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_every_option_is_explained_and_none_declared_twice(verb: Callable[..., None]) -> None:
    options = options_of(verb)
    assert [each.name for each in options if not each.words] == []
    assert len({each.name for each in options}) == len(options)


def test_the_version_is_told() -> None:
    assert "0." in ramify("--version").out


def test_fit_says_what_it_found_and_where_the_report_is(base: Path) -> None:
    out = (base / "said.txt").read_text()
    assert "t.csv: 96 training, 12 validation and 12 test rows; 4 tasks; 4 inputs" in out
    assert "'g0_t0': binary, " in out
    assert f"Report: {base / 'run' / 'report.html'}" in out
    assert {each.name for each in (base / "run").iterdir()} == {
        *("model.safetensors", "model.json", "record.json", "report.html", ".lock")
    }


def test_progress_is_plain_lines_without_a_terminal(base: Path) -> None:
    out = (base / "said.txt").read_text()
    lines = [line for line in out.splitlines() if "epoch 1/1" in line]
    assert lines[0].startswith("growing: one shared network")
    assert all("loss 0." in line and "rows/s, tree " in line for line in lines)
    assert "\x1b" not in out


def test_predict_writes_what_the_model_says(base: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    assert ramify("predict", base / "run", base / "t.csv", "--output", path).code == 0
    assert_frame_equal(pl.read_parquet(path), load(base / "run").predict(base / "t.csv"))


def test_report_is_rebuilt_from_the_record(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base / "run", tmp_path / "run")
    page = tmp_path / "run" / "report.html"
    before = page.read_text()
    page.unlink()
    assert ramify("report", tmp_path / "run").out.startswith("Report: ")
    assert page.read_text() == before


def test_a_yaml_file_says_the_same_as_flags(base: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    options = "targets: [g0_t0, g1_t1]\nhidden: [8, 4]\nepochs: 1\ngrowing_epochs: 1\n"
    config.write_text(options + "baselines: none\nseed: 3\nsplit: random\n")
    by_file = ramify("fit", base / "t.csv", "--config", config, "--output", tmp_path / "a")
    by_flags = ramify(
        *("fit", base / "t.csv", "--targets", "g0_t0,g1_t1", "--output", tmp_path / "b"),
        *("--hidden", "8,4", "--epochs", "1", "--growing-epochs", "1", "--baselines", "none"),
        *("--seed", "3"),
    )
    assert (by_file.code, by_flags.code) == (0, 0), by_file.err + by_flags.err
    one, other = load(tmp_path / "a"), load(tmp_path / "b")
    assert_frame_equal(one.predict(base / "t.csv"), other.predict(base / "t.csv"))
    assert one.record.settings == other.record.settings


def test_targets_may_be_a_glob(base: Path, tmp_path: Path) -> None:
    fit(base / "t.csv", tmp_path / "run", "--ignore", "g1_*", targets="g0_*")
    record = load(tmp_path / "run").record
    assert [task.name for task in record.tasks] == ["g0_t0", "g0_t1"]
    assert set(record.data.left_out) == {"g1_t0", "g1_t1"}


def test_the_kind_of_a_task_can_be_said(base: Path, tmp_path: Path) -> None:
    said = fit(base / "t.csv", tmp_path / "run", "--kind", "g0_t0=regression")
    assert "'g0_t0': regression, " in said.out


def test_columns_that_are_no_features_are_named(base: Path, tmp_path: Path) -> None:
    frame = pl.read_csv(base / "t.csv").with_columns(x00=pl.lit(1), x01=pl.lit(None))
    frame.write_csv(tmp_path / "t.csv")
    said = fit(tmp_path / "t.csv", tmp_path / "run")
    assert "no features: 'x00' (constant), 'x01' (all values are missing)" in said.out


def test_any_column_name_goes_through(base: Path, tmp_path: Path) -> None:
    frame = pl.read_csv(base / "t.csv").rename(HOSTILE)
    frame.write_csv(tmp_path / "t.csv")
    said = fit(tmp_path / "t.csv", tmp_path / "run", targets="<s*,quo*,two*,nnn*")
    assert said.code == 0, said.err
    names = [HOSTILE[name] for name in ("g0_t0", "g0_t1", "g1_t0", "g1_t1")]
    assert [task.name for task in load(tmp_path / "run").record.tasks] == names
    assert "<script>alert" not in (tmp_path / "run" / "report.html").read_text()
    for path in (tmp_path / "p.csv", tmp_path / "p.parquet"):
        assert ramify("predict", tmp_path / "run", tmp_path / "t.csv", "--output", path).code == 0
        assert list(open_table(path).columns) == names


def test_budget_and_other_ways_of_sharing(base: Path, tmp_path: Path) -> None:
    def parameters(name: str, *more: str) -> int:
        said = fit(base / "t.csv", tmp_path / name, *more)
        assert said.code == 0, said.err
        return load(tmp_path / name).record.parameters

    hard = parameters("hard", "--sharing", "hard")
    single = parameters("single", "--sharing", "single-task")
    assert hard < single
    assert parameters("small", "--max-parameters", str(hard)) == hard
    assert hard <= parameters("alpha", "--alpha", "0.1") <= single


def test_the_command_is_recorded(base: Path) -> None:
    assert load(base / "run").record.command.split()[0] == "ramify"


def test_results_are_replaced_only_on_request(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base / "run", tmp_path / "run")
    assert fit(base / "t.csv", tmp_path / "run").code == 2
    assert fit(base / "t.csv", tmp_path / "run", "--overwrite").code == 0


def chosen_options(words: list[str]) -> dict[str, Any]:
    return parsed_options(build_parser(), words)[1]


def test_kinds_and_levels_add_up_where_the_option_is_repeated() -> None:
    typed = "fit t.csv --output o --ordinal a=x,y --kind b=ranking,c=binary --ordinal=d=x,z"
    words = [*typed.split(), "--kind", "e=ranking"]
    chosen = chosen_options(words)
    found = kinds_and_levels_in(chosen["kind"], chosen["ordinal"])
    assert found == {
        "a": Ordinal(("x", "y")),
        "b": "ranking",
        "c": "binary",
        "d": Ordinal(("x", "z")),
        "e": "ranking",
    }


LISTS = {
    "fit": {"join", "soft_labels_from", "baselines"},
    "compare": {"join", "sharing", "weighting"},
}


@pytest.mark.parametrize("verb", LISTS)
def test_names_add_up_where_the_option_is_repeated(verb: str) -> None:
    for name in {"targets", "ignore", "one_vs_rest", "kind", "attach"} | LISTS[verb]:
        option = f"--{name.replace('_', '-')}"
        words = [verb, "t.csv", "--output", "o", option, 'a,"b, c"', "--width", "3", f"{option}=d"]
        chosen = chosen_options(words)
        assert names_in(chosen[name]) == ["a", "b, c", "d"], name
        assert chosen["width"] == 3


def test_of_widths_the_last_counts() -> None:
    given = ("--hidden", "8,4", "--hidden", "2", "--sharing", "hard", "--sharing", "selective")
    words = ["fit", "t.csv", "--output", "o", *given]
    chosen = chosen_options(words)
    assert (chosen["hidden"], chosen["sharing"]) == ("2", "selective")


def test_repeated_options_of_the_command_line_win_over_those_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("ignore: ['x, 1', x2]\nkind: ['t, 1=ranking']\n")
    words = ["fit", "t.csv", "--output", "o", "--config", str(tmp_path / "c.yaml")]
    chosen = chosen_options(words)
    assert names_in(chosen["ignore"]) == ["x, 1", "x2"]
    assert kinds_and_levels_in(chosen["kind"], "") == {"t, 1": "ranking"}
    more = [*words, "--ignore", "x3", "--ignore", "x4"]
    assert names_in(chosen_options(more)["ignore"]) == ["x3", "x4"]


def test_the_overview_is_the_same_without_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["-h"], ["--version"]):
        with pytest.raises(SystemExit):
            tell_overview(arguments)
        quick = capsys.readouterr().out
        with pytest.raises(SystemExit):
            build_parser().parse_args(arguments)
        assert capsys.readouterr().out == quick
    tell_overview(["fit"])
    for name, verb in VERBS.items():
        assert (verb.__doc__ or "").startswith(SUMMARIES[name])


@pytest.mark.parametrize(
    "words", [["--help"], ["-V"], ["fitt"], ["help", "report"], ["report", "nowhere"]]
)
def test_what_needs_no_network_loads_none(words: list[str]) -> None:
    code = (
        "import sys\nfrom ramify.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["fitt"], "'fitt' is no command of ramify; did you mean fit?; see `ramify --help`"),
        (
            ["fit", "t.csv", "--epochz", "5"],
            "--epochz is no option of ramify fit; did you mean --epochs?",
        ),
        (
            ["predict"],
            "ramify predict needs DIRECTORY, TABLE, --output; see `ramify predict --help`",
        ),
        (["report", "a", "b"], "b is no argument of ramify report"),
    ],
)
def test_what_was_mistyped_is_answered_with_what_was_meant(words: list[str], answer: str) -> None:
    said = ramify(*words)
    assert said.code == 2
    assert answer in said.err


def test_short_words(base: Path, tmp_path: Path) -> None:
    assert ramify("help", "report").out == ramify("report", "--help").out
    assert ramify("-V").out == ramify("--version").out
    assert ramify("predict", base / "run", base / "t.csv", "-o", tmp_path / "p.csv").code == 0
