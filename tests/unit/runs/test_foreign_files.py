"""Files that somebody else wrote, or changed and sealed again: one line, at once, and no memory."""

import json
import os
from pathlib import Path

import pytest

import ramify
from ramify._core import ModelFileError
from ramify.records import RunRecord
from ramify.runs import Model
from ramify.sharing import CGC, MTAN, Factorised, HardSharing, LowLevel, Sharing
from ramify.training import Training

from ._runs import small_table, without_digest

NETWORKS: dict[str, Sharing] = {
    "branched": HardSharing(),
    "attached": LowLevel((("g0_t0", 0),)),
    "factorised": Factorised(),
    "experts": CGC(),
    "attention": MTAN(),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for kind, sharing in NETWORKS.items():
        run = ramify.fit(
            small_table(),
            "g*",
            sharing=sharing,
            hidden=(8, 8),
            training=Training(epochs=1),
            baselines=(),
        )
        run.save(folder / kind)
        without_digest(folder / kind)
    return folder


def refusal(folder: Path, part: str, settings: dict[str, object]) -> str:
    """What loading says of a description with other settings."""
    path = folder / "model.json"
    before = path.read_text()
    card = json.loads(before)
    card[part]["settings"].update(settings)
    path.write_text(json.dumps(card))
    try:
        with pytest.raises(ModelFileError) as caught:
            Model.load(folder)
    finally:
        path.write_text(before)
    return str(caught.value)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize(
    "hidden",
    [[40_000, 40_000], [1] * 20_000, [2**70], [8, 2**70], [2**31, 2**31], [0], [-1, -1]],
    ids=["wide", "deep", "beyond 64 bits", "one beyond", "product", "none", "below none"],
)
def test_stages_that_the_weights_do_not_have_are_refused_before_they_are_built(
    kind: str, hidden: list[int], saved: Path
) -> None:
    words = refusal(saved / kind, "backbone", {"hidden": hidden})
    assert "do not fit each other" in words
    assert "\n" not in words
    assert len(words) < 400


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("experts", {"n_shared": 40_000}),
        ("experts", {"n_own": 2**70}),
        ("attention", {"hidden": 2**70}),
        ("factorised", {"ranks": [40_000, 40_000]}),
        ("attached", {"attached": [1] * 20_000}),
    ],
)
def test_parts_that_the_weights_do_not_have_are_refused_before_they_are_built(
    kind: str, settings: dict[str, object], saved: Path
) -> None:
    assert "the file has" in refusal(saved / kind, "network", settings)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors", "record.json"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(
    name: str, saved: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for each in (saved / "branched").iterdir():
        (folder / each.name).write_bytes(each.read_bytes())
    (folder / name).unlink()
    os.mkfifo(folder / name)
    read = RunRecord.load if name == "record.json" else Model.load
    with pytest.raises(ModelFileError, match="cannot read"):
        read(folder / name if name == "record.json" else folder)
