import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ramify._core import InputError
from ramify.data import (
    GroupSplit,
    infer_schema,
    open_table,
    read_features,
    read_targets,
    resolve_columns,
    split_rows,
)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def into(content: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return into


def rows_of(path: Path) -> list[tuple[object, ...]]:
    return open_table(path).frame.collect().rows()


BAD_TEXT = {
    "empty": (b"", "is empty; give a table with a header and rows"),
    "bom only": (b"\xef\xbb\xbf", "is empty"),
    "empty header": (b"\na,b\n1,2\n", "must begin with a line of column names"),
    "header only": (b"a,b\n", "has a header only; give a table with at least one row"),
    "header only, no newline": (b"a,b", "has a header only"),
    "header and blank lines": (b"a,b\n\n\n", "has a header only"),
    "short row": (
        b"a,b,c\n1,2,3\n1,2\n",
        "data row 2 of .* must have 3 fields as the header does. Got 2 fields; repair the row",
    ),
    "long row": (b"a,b\n1,2\n3,4\n5,6,7\n", "data row 3 of .* must have 2 fields .* Got 3 fields"),
    "short row after newline in quotes": (b'a,b\n"x\ny",2\n3\n', "data row 2 .* Got 1 field;"),
    "blank line inside": (b"a,b\n1,2\n\n3,4\n", "data row 2 of .* Got an empty line"),
    "blank line inside, CRLF": (b"a,b\r\n1,2\r\n\r\n3,4\r\n", "data row 2 of .* Got an empty line"),
    "open quote": (b'a,b\n1,2\n"3,4\n', r"has a quotation mark \(\"\) that is never closed"),
    "repeated column": (b"a,b,a\n1,2,3\n", "must be different. Got 'a' repeatedly"),
    "damaged UTF-8": ("a,b\né,è\n".encode() + b"1,\xc3\n", r"Byte 13 \(line 3\)"),
    "not text": (b"a,b\n\xff\0\0,2\n", r"must be UTF-8 text. Byte 5 \(line 2\) is not"),
    "half of UTF-16": ("a,b\n1,2".encode("utf-16")[:-1], "must be utf-16 text. Byte 15 is not"),
    "quote inside a field": (b'a,b\n5" pipe,2\n6" pipe,3\n', "cannot be read as a table"),
}


@pytest.mark.parametrize(("content", "message"), BAD_TEXT.values(), ids=BAD_TEXT)
def test_a_bad_text_file_gives_one_clear_line(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        open_table(write(content)).collect(pl.all())
    assert "\n" not in str(caught.value)


def test_a_missing_file_a_directory_and_an_unknown_type_are_named(
    tmp_path: Path, write: Write
) -> None:
    with pytest.raises(InputError, match=r"no table at .*; check the path"):
        open_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"must be a file. Got the directory"):
        open_table(str(tmp_path))
    with pytest.raises(InputError, match=r"must end in \.csv, \.tsv, .* Got '.*t.doc'"):
        open_table(write("a,b\n1,2\n", "t.doc"))
    with pytest.raises(InputError, match=r"must end in \.csv"):
        open_table(write("a,b\n1,2\n", "csv"))


def test_a_file_that_may_not_be_read_is_named(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a,b\n1,2\n")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="cannot be opened: Permission denied"):
        open_table(path)


@pytest.mark.parametrize("content", [b"", b"no parquet at all", b"PAR1" + b"x" * 20])
def test_a_damaged_parquet_file_is_named(write: Write, content: bytes) -> None:
    with pytest.raises(InputError, match=r"is empty|cannot be read as a table") as caught:
        open_table(write(content, "t.parquet"))
    assert "\n" not in str(caught.value)


def test_a_truncated_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": range(1000), "b": range(1000)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot be read as a table"):
        open_table(path)


@pytest.mark.parametrize("keep", [30, -5])
def test_a_damaged_gzip_file_is_named(write: Write, keep: int) -> None:
    content = gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 100)
    with pytest.raises(InputError, match=r"must be a whole gzip file"):
        open_table(write(content[:keep], "t.csv.gz"))
    with pytest.raises(InputError, match=r"must be a whole gzip file"):
        open_table(write(b"a,b\n1,2\n", "u.csv.gz"))


GOOD_TEXT = {
    "plain": b"a,b\n1,2\n3,4\n",
    "no newline at the end": b"a,b\n1,2\n3,4",
    "CRLF": b"a,b\r\n1,2\r\n3,4\r\n",
    "blank lines at the end": b"a,b\n1,2\n3,4\n\n\n",
    "CRLF, blank lines at the end": b"a,b\r\n1,2\r\n3,4\r\n\r\n",
    "byte order mark": b"\xef\xbb\xbfa,b\n1,2\n3,4\n",
    "byte order mark, quoted": b'\xef\xbb\xbf"a","b"\r\n"1",2\r\n3,"4"\r\n',
}


@pytest.mark.parametrize("content", GOOD_TEXT.values(), ids=GOOD_TEXT)
def test_every_sound_form_of_a_table_reads_alike(write: Write, content: bytes) -> None:
    table = open_table(write(content))
    assert (table.columns, table.n_rows) == (("a", "b"), 2)
    assert table.frame.collect().rows() == [("1", "2"), ("3", "4")]


def test_text_in_quotes_may_hold_newlines_separators_and_quotes(write: Write) -> None:
    path = write('"a\nz","b""q"\n"x\ny","1,2"\n"say ""no""",3\n')
    assert open_table(path).columns == ("a\nz", 'b"q')
    assert rows_of(path) == [("x\ny", "1,2"), ('say "no"', "3")]


@pytest.mark.parametrize("name", ["t.tsv", "t.tab", "t.txt", "T.TSV", "t.tsv.gz"])
def test_tab_separated_files_read_as_such(write: Write, name: str) -> None:
    content = b"a\tb,c\n1\t2\n"
    table = open_table(write(gzip.compress(content) if name.endswith(".gz") else content, name))
    assert (table.columns, table.n_rows) == (("a", "b,c"), 1)
    assert table.frame.collect().rows() == [("1", "2")]


def test_a_path_with_glob_marks_is_one_file(write: Write) -> None:
    assert open_table(write("a,b\n1,2\n", "t[1]*.csv")).n_rows == 1


HOSTILE = [
    "<script>alert(1)</script>",
    "it's",
    'a"b',
    "a\nb",
    "x" * 10_000,
    "*",
    "[a]",
    "ü ",
    "a,b",
    "^.*$",
    "-",
]


def test_hostile_column_names_survive(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pl.DataFrame({name: [i] for i, name in enumerate(HOSTILE)}).write_csv(path)
    table = open_table(path)
    assert table.columns == tuple(HOSTILE)
    frame = pl.concat(list(table.batches([table.column(name) for name in HOSTILE])))
    assert frame.rows() == [tuple(str(i) for i in range(len(HOSTILE)))]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_hostile_names_work_from_the_file_to_the_arrays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    columns = {name: [(i + 1) * row % 13 for row in range(60)] for i, name in enumerate(HOSTILE)}
    frame = pl.DataFrame(columns).with_columns((pl.nth(0) > 3).cast(pl.Int8).alias(HOSTILE[0]))
    if suffix == "csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    table = open_table(path)
    targets = resolve_columns(table.columns, ["<script>*"])
    found = infer_schema(table, targets, ignore=["*"], split_column="^.*$")
    assert found.features.names == tuple(n for n in HOSTILE[1:] if n not in ("*", "^.*$"))
    raw = read_features(table, found.features)
    assert raw.tolist() == [
        list(row) for row in zip(*(frame[n] for n in found.features.names), strict=True)
    ]
    mask = read_targets(table, found.tasks)[1]
    assert split_rows(GroupSplit("^.*$"), table, mask, seed=0).sizes["test"] > 0


def test_a_long_name_gives_a_short_message(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        open_table(tmp_path / ("x" * 200 + ".csv"))
    assert len(str(caught.value)) < 200


def test_rows_are_counted_across_chunks(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b'a,b\r\n"x\ny",2\r\n' + b"3,\xc3\xa4\r\n" * 50 + b"5,6"
    for size in range(1, 40):
        monkeypatch.setattr("ramify.data.tables._text_file._CHUNK", size)
        table = open_table(write(content))
        assert (table.columns, table.n_rows) == (("a", "b"), 52), size
    for size in range(1, 40):
        monkeypatch.setattr("ramify.data.tables._text_file._CHUNK", size)
        with pytest.raises(InputError, match=r"data row 3 of .* Got an empty line"):
            open_table(write(b'a,b\r\n"x\ny",2\r\n3,4\r\n\r\n5,6'))
        with pytest.raises(InputError, match=r"data row 2 of .* Got 3 fields"):
            open_table(write(b'a,b\r\n"x\ny",2\r\n3,4,5\r\n'))
        with pytest.raises(InputError, match=r"Byte 14 \(line 3\)"):
            open_table(write("a,b\n1,ää\n3,".encode() + b"\xff\n"))


def test_batches_keep_the_order_of_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pl.DataFrame({"a": range(100_000)}).with_columns(b=pl.col("a") * 2).write_csv(path)
    table = open_table(path)
    frames = list(table.batches([table.column("b")], rows=1000))
    assert max(len(frame) for frame in frames) <= 1000
    every = pl.concat(frames).to_series().cast(pl.Int64).to_list()
    assert every == list(range(0, 200_000, 2))
    tenth = table.select(np.arange(0, 100_000, 10))
    some = pl.concat(list(tenth.batches([table.column("b")], rows=999))).to_series()
    assert some.cast(pl.Int64).to_list() == every[::10]
    assert tenth.row_words(1) == "Data row 11"
