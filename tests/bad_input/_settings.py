"""Bad ways of sharing, weightings and settings of them."""

import json
import shutil
from pathlib import Path

from tests.bad_input._case import FIT, Case, write

COMPARE = [
    *("compare", "t.csv", "--targets", "g*", "--output", "out"),
    *("--hidden", "8,8", "--epochs", "2", "--growing-epochs", "1", "--trees", "4", "--seeds", "1"),
]


def fit(*more: str) -> list[str]:
    return [*FIT, *more]


def soft(*settings: str) -> list[str]:
    given = [word for each in settings for word in ("--set", each)]
    return [*FIT, "--sharing", "soft", *given]


def compare(*more: str) -> list[str]:
    return [*COMPARE, *more]


def finished(folder: Path) -> None:
    shutil.copytree(folder / "model", folder / "out")
    (folder / "out" / ".lock").touch()


def compared(folder: Path) -> None:
    (folder / "out" / "runs").mkdir(parents=True)
    for name in ("comparison.json", "comparison.html", ".lock"):
        (folder / "out" / name).touch()


def tree_of(text: str) -> Case:
    return Case(
        "settings",
        f"--tree of {text[:20]}",
        "^error: --tree 'tree.json'",
        fit("--sharing", "tree", "--tree", "tree.json"),
        write("tree.json", text),
    )


SETTINGS = [
    Case("settings", "--set without a form", "must be NAME.SETTING=VALUE", soft("soft")),
    Case("settings", "--set without a value", "must be NAME.SETTING=VALUE", soft("soft.alpha=")),
    Case("settings", "--set without a name", "must be NAME.SETTING=VALUE", soft("=3")),
    Case("settings", "setting of nothing", "Got 'magic'", soft("magic.alpha=3")),
    Case("settings", "name of 10,000 characters", "Got 'mmm", soft(f"{'m' * 10_000}.alpha=3")),
    Case(
        "settings",
        "setting of what takes no part",
        "--set sluice.self_weight must be for what takes part: name sluice in --sharing",
        soft("sluice.self_weight=1"),
    ),
    Case(
        "settings",
        "setting of a weighting that takes no part",
        "name dwa in --weighting",
        soft("dwa.temperature=1"),
    ),
    Case("settings", "unknown setting", "alpha .30000., stages .none.", soft("soft.alhpa=3")),
    Case("settings", "setting without a word", "from Python", soft("soft.edges=a")),
    Case(
        "settings", "setting no number", "--set soft.alpha must be a number", soft("soft.alpha=a")
    ),
    Case("settings", "setting nan", "--set soft.alpha must be a number", soft("soft.alpha=nan")),
    Case("settings", "setting negative", "--set soft.alpha must be 0 or", soft("soft.alpha=-1")),
    Case("settings", "setting of 99 digits", "up to 1,000,000", soft(f"soft.stages={'9' * 99}")),
    Case(
        "settings", "no such stage", "--set soft.stages must be from 0 to 1", soft("soft.stages=7")
    ),
    Case("settings", "setting twice", "given once", soft("soft.alpha=1", "soft.alpha=2")),
    Case(
        "settings",
        "settings, commas between",
        "Report: out/report.html",
        soft("soft.stages=0,1,soft.alpha=inf"),
        works=True,
    ),
    Case(
        "settings",
        "setting with an option",
        "is said by --alpha",
        fit("--set", "fully-adaptive.alpha=1"),
    ),
    Case(
        "settings",
        "form as a setting",
        "is said by the word after --sharing",
        fit("--sharing", "factorised:tt", "--set", "factorised.form=laf"),
    ),
    Case(
        "settings",
        "settings that miss another",
        "--set factorised.pretrain_epochs: `rank` must be given",
        fit("--sharing", "factorised:tt", "--set", "factorised.pretrain_epochs=0"),
    ),
    Case("settings", "fixed without weights", "--set fixed.values", fit("--weighting", "fixed")),
    Case(
        "settings",
        "fixed with too few weights",
        "--set fixed.values must be one weight per task, 4, in their order. Got 2",
        fit("--sharing", "hard", "--weighting", "fixed", "--set", "fixed.values=1,2"),
    ),
    Case(
        "settings",
        "--exact-gradients for equal weights",
        "--exact-gradients is for a --weighting",
        fit("--exact-gradients"),
    ),
    Case(
        "settings",
        "weighting of linear models",
        "--weighting is for networks",
        fit("--sharing", "linear:clustered", "--weighting", "upgrad"),
    ),
    Case(
        "settings",
        "no such form",
        "must be one of 'factorised', 'factorised:tucker', 'factorised:tt'. Got 'factorised:cp'",
        fit("--sharing", "factorised:cp"),
    ),
    Case("settings", "no way of sharing", "must be one of", fit("--sharing", "")),
    Case("settings", "no way to compare", "at least one way", compare("--sharing", "")),
    Case("settings", "no weighting to compare", "one weighting", compare("--weighting", "")),
    Case(
        "settings",
        "weighting twice",
        "--weighting must name each weighting once. Got 'equal'",
        compare("--sharing", "hard", "--weighting", "equal,equal"),
    ),
    Case("settings", "processes 0", "--processes must be 1 or", compare("--processes", "0")),
    Case("settings", "threads 100000", "at most 1024", compare("--threads", "100000")),
    Case("settings", "processes -5", "or -1 for one per core", compare("--processes=-5")),
    Case(
        "settings",
        "compare --resume of a fit",
        "It holds a run of ramify fit",
        compare("--sharing", "hard", "--resume"),
        finished,
    ),
    Case(
        "settings",
        "fit --resume of a comparison",
        "It holds no run but 'comparison.html', 'comparison.json', 'runs'",
        fit("--resume"),
        compared,
    ),
    *map(tree_of, ("", "[]", '{"tasks": 3}', json.dumps({"tasks": ["g"], "stages": [[["h"]]]}))),
]
