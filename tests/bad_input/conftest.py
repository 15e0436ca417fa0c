"""The files that the cases copy and spoil."""

import shutil
from pathlib import Path

import pytest
from tests.bad_input._pictures import make_pictures
from tests.bad_input._tables import make_models


@pytest.fixture(scope="package")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    make_models(folder)
    return folder


@pytest.fixture(scope="package")
def pictures(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures") / "base"
    shutil.copytree(tables, folder)
    make_pictures(folder)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
