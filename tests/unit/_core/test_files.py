import errno
import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ramify._core import (
    DirectoryInUseError,
    InputError,
    RamifyError,
    lazy_names,
    replacing,
    sha256_of,
    sole_writer,
    write_atomically,
)


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of the ne")
            raise OSError(28, "no space")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_stays_whole_until_the_new_one_is(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent  # a rename within one file system
    assert path.read_text() == "new"


@pytest.mark.parametrize("content", ["", "ä" * 5000, b"\x00\xff"])
def test_content_is_written_as_it_is(content: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / ("n" * 200)
    write_atomically(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)


def test_a_new_file_may_be_read_as_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a").startswith("ba7816bf8f01cfea")


def test_a_directory_has_one_writer_at_a_time(tmp_path: Path) -> None:
    with (
        sole_writer(tmp_path),
        pytest.raises(DirectoryInUseError, match="another run is writing to"),
        sole_writer(tmp_path),
    ):
        pass
    with sole_writer(tmp_path):
        pass


def test_the_hold_ends_with_the_process_that_had_it(tmp_path: Path) -> None:
    code = (
        "import os, pathlib\n"
        "from ramify._core import sole_writer\n"
        f"hold = sole_writer(pathlib.Path({str(tmp_path)!r}))\n"
        "hold.__enter__()\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    with sole_writer(tmp_path):
        pass


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_named_with_what_to_do_and_nothing_is_left(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(handle: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refused)
    folder = tmp_path / "new"
    folder.mkdir()
    with (
        pytest.raises(InputError, match=r"cannot hold '.*new' .*choose an `output` on a disk"),
        sole_writer(folder, [folder]),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_other_writer_is_one_of_our_errors() -> None:
    assert issubclass(DirectoryInUseError, RamifyError)


def test_a_lazy_name_that_nobody_offers_is_an_attribute_error() -> None:
    find = lazy_names("some.room", {"here": "math"})
    with pytest.raises(AttributeError, match=r"module 'some\.room' has no attribute 'there'"):
        find("there")


def test_importing_ramify_is_light() -> None:
    code = (
        "import sys\n"
        "import ramify, ramify.report\n"
        "assert 'torch' not in sys.modules\n"
        "assert all(hasattr(ramify, name) for name in ramify.__all__)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
