import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.report._records import record as made_record

from ramify._core import ModelFileError
from ramify.records import FORMAT_VERSION, RunRecord, read_json


def record() -> RunRecord:
    return made_record(["a", "b", "c"], [[["a", "b", "c"]], [["a", "b"], ["c"]]])


def test_a_record_goes_round(tmp_path: Path) -> None:
    made = record()
    made.save(tmp_path / "record.json")
    assert RunRecord.load(tmp_path / "record.json") == made


def test_a_record_is_plain_json_with_its_version(tmp_path: Path) -> None:
    record().save(tmp_path / "record.json")
    found = json.loads((tmp_path / "record.json").read_text(encoding="utf-8"))
    assert found["format_version"] == FORMAT_VERSION == 2
    wanted = {"tasks", "sharing", "tree", "affinity", "scores", "baselines", "delta_m"}
    wanted |= {"parameters", "flops", "seconds", "versions", "seed"}
    assert wanted <= set(found)
    assert set(found["scores"]) == {"test", "validation", "overall"}


@pytest.mark.parametrize(
    ("name", "structure", "label"),
    [
        ("fully-adaptive", "tree", "a tree learned in training"),
        ("cross-stitch", "network", ""),
        ("linear:clustered", "linear", "linear models that share"),
        ("single-task", "tree", "one network per task"),
    ],
)
def test_a_record_of_version_1_is_read_as_it_was_told_of(
    name: str, structure: str, label: str, tmp_path: Path
) -> None:
    old = changed(tmp_path, format_version=1, sharing={"name": name, "settings": {"x": 1}})
    found = RunRecord.load(old).sharing
    assert (found.name, found.structure, found.label) == (name, structure, label)
    assert found.shares == (name != "single-task")
    assert found.settings == {"x": 1}


@pytest.mark.parametrize("sharing", [None, [], {}, {"name": 3}, "hard"])
def test_a_damaged_record_of_version_1_is_refused(sharing: object, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="damaged or was changed"):
        RunRecord.load(changed(tmp_path, format_version=1, sharing=sharing))


def test_a_missing_record_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"no record at .*; name a directory that"):
        RunRecord.load(tmp_path / "record.json")


def test_a_directory_is_no_record(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot read the record"):
        RunRecord.load(tmp_path)


def changed(tmp_path: Path, **fields: object) -> Path:
    content = json.loads(record().model_dump_json())
    (tmp_path / "record.json").write_text(json.dumps({**content, **fields}))
    return tmp_path / "record.json"


def test_a_record_of_a_newer_version_asks_for_a_newer_ramify(tmp_path: Path) -> None:
    path = changed(tmp_path, format_version=3, something="new")
    with pytest.raises(ModelFileError, match=r"format version 3.*up to 2; use a newer ramify"):
        RunRecord.load(path)


@pytest.mark.parametrize(
    "fields",
    [
        {"format_version": "x"},
        {"format_version": 0},
        {"tasks": []},
        {"unheard_of": 1},
        {"seed": "many"},
        {"parameters": None},
        {"tree": {"stages": [[["nobody"]]]}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_changed_record_is_refused_on_one_line(fields: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="is damaged or was changed") as error:
        RunRecord.load(changed(tmp_path, **fields))
    assert "\n" not in str(error.value)


def named(
    content: object, names: set[str], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """Places in JSON at which a name stands."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from named(value, names, (*path, key))
    elif content in names:
        yield path


def test_every_task_that_it_speaks_of_is_one_of_its_tasks(tmp_path: Path) -> None:
    content = json.loads(record().model_dump_json())
    names = {task["name"] for task in content["tasks"]}
    places = {  # one of each kind
        tuple(key for key in path if isinstance(key, str)): path for path in named(content, names)
    }
    kinds = {path[0] for path in places}
    assert {"tasks", "tree", "path", "affinity", "stability", "scores", "baselines"} <= kinds
    for path in places.values():
        changed_content = json.loads(json.dumps(content))
        part = changed_content
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = "nobody"
        (tmp_path / "record.json").write_text(json.dumps(changed_content))
        with pytest.raises(ModelFileError, match="is damaged or was changed"):
            RunRecord.load(tmp_path / "record.json")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_cut_off_record_is_refused(share: float, tmp_path: Path) -> None:
    text = record().model_dump_json()
    (tmp_path / "record.json").write_text(text[: int(share * len(text))])
    with pytest.raises(ModelFileError, match="is damaged or was changed"):
        RunRecord.load(tmp_path / "record.json")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelFileError, match="cannot read the record"):
        RunRecord.load(tmp_path / "record.json")


def test_no_number_in_it_is_infinite_or_unknown() -> None:
    with pytest.raises(ValueError, match="finite"):
        RunRecord.model_validate({**record().model_dump(), "delta_m": float("nan")})


def test_the_message_names_what_was_read(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no model description at"):
        read_json(RunRecord, tmp_path / "model.json", 1, "model description")
