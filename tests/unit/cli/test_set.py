"""``--set`` reaches every setting of every strategy, weighting and backbone."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.cli._command import Said, fit, make_table, ramify

from ramify._core import Described, InputError, OptionContext
from ramify.cli._asked import REGISTRIES, OptionsOfOne
from ramify.cli._parse_value import parsed, typed
from ramify.comparison import Comparison
from ramify.records import RunRecord, SharingInfo
from ramify.tasks import SharingTree

KINDS: dict[str, tuple[str, type[Described], str]] = {
    word: (by, kind, form)
    for by, registry in REGISTRIES.items()
    for kind in registry.values()
    for word, form in kind.words().items()
}
FROM_PYTHON = {"edges", "noise_models"}
# Of these, each setting takes one at least that is not its default.
TEXTS = ("0.75", "0.25", "true", "false", "2", "3", "1,0", "sum", "none")
HOSTILE = ("-1", "0", "1e300", "inf", "nan", "x", "9" * 99, ",", "1,,2")

every_word = pytest.mark.parametrize("word", KINDS)
# A training of its own, which leaves nothing to set.
settable = pytest.mark.parametrize("word", [word for word in KINDS if not word.endswith(":paper")])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tree") / "tree.json"
    path.write_text(SharingTree.shared(["a", "b"], 2).to_json())
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_table(tmp_path_factory.mktemp("set") / "t.csv")


def needed(word: str, tree: Path) -> dict[str, object]:
    """What a word needs beside it."""
    attached: dict[str, object] = {"attach": "a=0"}
    known: dict[str, dict[str, object]] = {
        "tree": {"tree": tree},
        "low-level": attached,
        "low-level:separate": attached,
        "selective:variance": {"groups": 2},
    }
    return known.get(word, {})


def made(word: str, tree: Path, *settings: str) -> Described:
    if word == "fixed" and not settings:
        settings = ("fixed.values=1",)
    said = OptionsOfOne({**needed(word, tree), "set": list(settings)})
    found = said.made(said.asked(KINDS[word][0], word), OptionContext())
    assert isinstance(found, Described)
    return found


def said(word: str) -> set[str]:
    """The arguments that have options of their own, or that the word says."""
    _, kind, form = KINDS[word]
    options = {o.argument for o in kind.options if o.as_form or o.concerns(form)}
    return {"seed", *kind.forms[form], *options}


def parameters(word: str) -> Iterator[inspect.Parameter]:
    yield from inspect.signature(KINDS[word][1]).parameters.values()


def test_no_two_are_called_alike() -> None:
    owners = {(word.partition(":")[0], by, kind) for word, (by, kind, _) in KINDS.items()}
    assert len({name for name, _, _ in owners}) == len(owners)


@settable
def test_every_setting_that_can_be_said_gets_to_the_object(word: str, tree: Path) -> None:
    usual = made(word, tree)
    for each in parameters(word):
        form = parsed(each.annotation)
        if form is None or each.name in said(word):
            continue
        for text in TEXTS:
            try:
                found = made(word, tree, f"{word}.{each.name}={text}")
            except InputError:
                continue
            if found.settings() != usual.settings():
                assert getattr(found, each.name) == form.read(text) != each.default
                break
        else:
            pytest.fail(f"{word}.{each.name} cannot be set")


@every_word
def test_every_other_setting_is_refused_with_what_to_do(word: str, tree: Path) -> None:
    for each in parameters(word):
        option = f"{word}.{each.name}"
        if each.name in said(word):
            with pytest.raises(InputError, match=rf"--set {option} is said by (--|the word)"):
                made(word, tree, f"{option}=1")
        elif parsed(each.annotation) is None:
            assert each.name in FROM_PYTHON
            with pytest.raises(InputError, match=f"--set {option} can only be set from Python"):
                made(word, tree, f"{option}=1")
    with pytest.raises(InputError, match=rf"--set {word}\.magic is unknown; {word} has "):
        made(word, tree, f"{word}.magic=1")


@settable
def test_a_default_can_be_typed_as_it_is_told(word: str, tree: Path) -> None:
    usual = made(word, tree).settings()
    for each in parameters(word):
        if parsed(each.annotation) is None or each.name in said(word):
            continue
        if each.default not in (each.empty, ()):
            told = f"{word}.{each.name}={typed(each.default)}"
            assert made(word, tree, told).settings() == usual


@every_word
def test_a_value_that_does_not_fit_names_the_option_and_any_other_can_be_recorded(
    word: str, tree: Path
) -> None:
    for each in parameters(word):
        for text in HOSTILE:
            option = f"{word}.{each.name}"
            with suppress_refusals(f"--set {option}"):
                found = made(word, tree, f"{option}={text}")
                SharingInfo(
                    name=word, label="", structure="tree", settings=found.settings()
                )  # or says that JSON has no such


def test_what_is_for_one_form_counts_more_than_what_is_for_all(tree: Path) -> None:
    given = ("factorised:tt.rank=2", "factorised.rank=5", "factorised.pretrain_epochs=0")
    ranks = [made(f"factorised{form}", tree, *given).settings()["rank"] for form in ("", ":tt")]
    assert ranks == [5, 2]


def test_settings_may_still_be_called_what_they_were(tree: Path) -> None:
    now = made("sluice", tree, "sluice.pretrain_epochs=2", "sluice.self_weight=0.5")
    assert made("sluice", tree, "sluice.alone=2", "sluice.own=0.5") == now


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--set", "soft"), "--set must be NAME.SETTING=VALUE, such as soft.alpha=300. Got 'soft'"),
        (("--set", "soft.alpha="), "--set must be NAME.SETTING=VALUE"),
        (("--set", "soft.alpha=x"), "--set soft.alpha must be a number. Got 'x'"),
        (("--set", "soft.alpha=-3"), "--set soft.alpha must be 0 or more. Got -3.0"),
        (("--set", "soft.alpha=1", "--set", "soft.alpha=1"), "--set soft.alpha must be given once"),
        (("--set", "soft.aplha=1"), "soft has the settings alpha (30000), stages (none)"),
        (("--set", "soft.stages=7"), "--set soft.stages must be from 0 to 1. Got 7"),
        (("--set", "magic.rank=1"), "here 'soft', 'equal'. Got 'magic'"),
        (("--set", "sluice.self_weight=1"), "name sluice in --sharing, or leave it out"),
        (("--set", "dwa.temperature=1"), "name dwa in --weighting, or leave it out"),
        (("--set", "equal.temperature=1"), "is unknown; equal has no settings"),
        (("--weighting", "fixed"), "fixed needs --set fixed.values=…, a number, or several"),
        (
            ("--weighting", "fixed", "--set", "fixed.values=1,2"),
            "--set fixed.values must be one weight per task, 4, in their order. Got 2",
        ),
        (("--exact-gradients",), "--exact-gradients is for a --weighting that looks at gradients"),
    ],
)
def test_bad_settings_are_one_line(
    table: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    assert_refused(fit(table, tmp_path / "out", "--sharing", "soft", *arguments), words)
    assert not (tmp_path / "out").exists()


def test_a_fit_has_them_in_its_record_and_a_resumed_one_must_have_them_too(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    weighed = ("--weighting", "cagrad", "--exact-gradients", "--set", "cagrad.radius=.3")
    given = ("--sharing", "mtan", *weighed, "--set")
    with monkeypatch.context() as patched:
        patched.setattr("ramify.runs._fit.Run.save", stopped)
        assert fit(table, tmp_path, *given, "mtan.hidden=5").code == 130
    other = fit(table, tmp_path, *given, "mtan.hidden=6", "--resume")
    assert_refused(other, "Different: 'sharing.hidden'")
    assert fit(table, tmp_path, *given, "mtan.hidden=5", "--resume").code == 0
    record = RunRecord.load(tmp_path / "record.json")
    assert record.sharing.settings == {"hidden": 5}
    assert record.settings["weighting_radius"] == 0.3
    assert record.settings["exact_gradients"] is True


def test_a_method_that_does_not_fit_the_network_fails_by_the_option(
    table: Path, tmp_path: Path
) -> None:
    told = ramify(
        *("compare", table, "--targets", "g*", "--output", tmp_path, "--seeds", "1"),
        *("--hidden", "8,8", "--epochs", "1", "--trees", "4", "--sharing", "soft"),
        *("--weighting", "dwa", "--set", "soft.stages=7"),
    )
    assert told.code == 0, told.err
    assert "soft + dwa, seed 0: failed: --set soft.stages must be from 0 to 1. Got 7" in told.out


def test_a_file_lists_them_one_by_one(table: Path, tmp_path: Path) -> None:
    (tmp_path / "fit.yaml").write_text('sharing: soft\nset: ["soft.stages=0,1", soft.alpha=3]\n')
    told = fit(table, tmp_path / "run", "--config", str(tmp_path / "fit.yaml"))
    assert told.code == 0, told.err
    record = RunRecord.load(tmp_path / "run" / "record.json")
    assert record.sharing.settings == {"alpha": 3, "edges": None, "stages": [0, 1]}


def test_a_comparison_reuses_only_runs_of_the_same_settings(table: Path, tmp_path: Path) -> None:
    given = (
        *("compare", table, "--targets", "g*", "--output", tmp_path / "out", "--seeds", "1"),
        *("--hidden", "8,8", "--epochs", "1", "--trees", "4", "--sharing", "soft"),
    )
    assert ramify(*given, "--set", "soft.alpha=5").code == 0
    methods = {each.name: each for each in Comparison.load(tmp_path / "out").record.methods}
    assert methods["soft"].settings["sharing.alpha"] == 5
    assert_refused(ramify(*given, "--resume"), "Different in 'soft-seed-0.json': 'sharing.alpha'")
    further = ("--weighting", "equal,upgrad", "--exact-gradients", "--set", "soft.alpha=5")
    told = ramify(*given, "--resume", *further)
    assert told.code == 0, told.err
    assert told.out.count(": kept") == 5
    methods = {each.name: each for each in Comparison.load(tmp_path / "out").record.methods}
    exact = {name: each.settings.get("exact_gradients") for name, each in methods.items()}
    assert exact["hard + upgrad"] is True
    assert exact["hard"] is False


@contextmanager
def suppress_refusals(option: str) -> Iterator[None]:
    """Let pass what is refused in one line with the option in it."""
    try:
        yield
    except InputError as error:
        if option not in str(error) or "\n" in str(error):
            pytest.fail(f"{option}: {error}")


def assert_refused(told: Said, words: str) -> None:
    assert told.code == 2
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
    assert words in told.err
