"""Tables as people have them: each is read right, or refused in one line that says what to do.

`python benchmarks/messy_tables.py` writes every table below into a folder of its own, fits and
predicts it in this process, and compares what was read with what the script knows to be true.
"""

import argparse
import bz2
import contextlib
import gzip
import io
import json
import lzma
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import ramify
from ramify.data import (
    Inferred,
    Table,
    TableEncoder,
    TableReading,
    infer_schema,
    open_table,
    read_features,
    read_targets,
    written_plainly,
)
from ramify.sharing import HardSharing

ROWS = 60
TARGETS = ("ill", "score")
Made = Any


def truth(seed: int = 0) -> dict[str, list[Any]]:
    """The table that most cases hold: two numbers, words, a yes or no, and two targets."""
    rng = np.random.default_rng(seed)
    return {
        "dose": [round(float(v), 2) for v in rng.normal(50, 20, ROWS)],
        "weight": [round(float(v), 1) for v in rng.uniform(900, 99_000, ROWS)],
        "place": [["north", "south", "east"][i] for i in rng.integers(0, 3, ROWS)],
        "ill": [["no", "yes"][i] for i in rng.integers(0, 2, ROWS)],
        "score": [round(float(v), 2) for v in rng.normal(0, 3, ROWS)],
    }


def delimited(
    columns: Mapping[str, Sequence[object]],
    separator: str = ",",
    end: str = "\n",
    decimal: str = ".",
) -> str:
    """The text of a table, quoted where it must be."""

    def cell(value: object) -> str:
        text = "" if value is None else str(value)
        if isinstance(value, float):
            text = text.replace(".", decimal)
        if any(mark in text for mark in (separator, '"', "\n", "\r")):
            text = '"' + text.replace('"', '""') + '"'
        return text

    rows = zip(*columns.values(), strict=True)
    lines = [separator.join(map(cell, columns)), *(separator.join(map(cell, r)) for r in rows)]
    return end.join(lines) + end


@dataclass
class Case:
    """A table, and what is true of it.

    Attributes:
        name: What is messy about it.
        make: Writes it into a folder and gives what `ramify.fit` takes.
        features: What must be read of some columns, or of all.
        types: How many features of which type there must be.
        targets: What is to be learned.
        left_out: Columns that must be left out, and a pattern of the reason.
        says: A pattern that one of the warnings must match.
        refused: A pattern of the one line; None if the table is to be read.
        reading: What the user says of it.
        labels: What must be read of some targets.
    """

    name: str
    make: Callable[[Path], Made]
    features: dict[str, Sequence[float | None]] = field(default_factory=dict)
    types: dict[str, int] | None = None
    targets: Sequence[str] = TARGETS
    left_out: dict[str, str] = field(default_factory=dict)
    says: str = ""
    refused: str | None = None
    reading: TableReading | None = None
    labels: dict[str, Sequence[float | None]] = field(default_factory=dict)


BASE = truth()
NUMBERS = {"dose": BASE["dose"], "weight": BASE["weight"]}
LABELS = {"score": BASE["score"], "ill": [float(v == "yes") for v in BASE["ill"]]}
USUAL = {"categorical": 1, "numeric": 2}


def text(content: str | bytes, name: str = "t.csv") -> Callable[[Path], Path]:
    """Writes a text into a file."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def whole(name: str, make: Callable[[Path], Made], **more: Made) -> Case:
    """A case in which the base table must be read as it is."""
    return Case(name, make, NUMBERS, dict(USUAL), labels=LABELS, **more)


def with_column(
    name: str, cells: Sequence[object], values: Sequence[float | None] | None, **more: Made
) -> Case:
    """The base table with one more column, and the numbers that it must be read as."""
    features = NUMBERS if values is None else NUMBERS | {"extra": values}
    return Case(name, text(delimited({"extra": cells, **BASE})), features, labels=LABELS, **more)


def zipped(members: Mapping[str, str], name: str = "t.zip") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return folder / name

    return make


def zstandard(content: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with pa.output_stream(folder / "t.csv.zst", compression="zstd") as file:
            file.write(content.encode())
        return folder / "t.csv.zst"

    return make


def sheet(columns: Mapping[str, Sequence[object]]) -> Callable[[Path], Path]:
    """The smallest workbook that a spreadsheet program opens."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    packed = "http://schemas.openxmlformats.org/package/2006"

    def cell(value: object) -> str:
        if isinstance(value, int | float):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    rows = [list(columns), *map(list, zip(*columns.values(), strict=True))]
    data = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    members = {
        "[Content_Types].xml": f'<Types xmlns="{packed}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
        f'PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/><Override '
        f'PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{packed}/relationships"><Relationship Id="a" '
        f'Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets><sheet name="s" '
        'sheetId="1" r:id="a"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packed}/relationships"><Relationship '
        f'Id="a" Type="{links}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>',
    }
    return zipped(members, "t.xlsx")


def parts(kind: str) -> Callable[[Path], Made]:
    """The base table in three files."""

    def make(folder: Path) -> Made:
        (folder / "parts").mkdir()
        frame = pl.DataFrame(BASE)
        for i in range(3):
            part, path = frame[20 * i : 20 * i + 20], folder / "parts" / f"{i}"
            if kind == "parquet":
                part.write_parquet(path.with_suffix(".parquet"))
            else:
                part.write_csv(path.with_suffix(".csv"))
        if kind == "list":
            return [folder / "parts" / f"{i}.csv" for i in range(3)]
        return folder / "parts" if kind == "parquet" else str(folder / "parts" / "*.csv")

    return make


def standard_input(content: bytes) -> Callable[[Path], Made]:
    def make(folder: Path) -> str:
        del folder
        sys.stdin = io.TextIOWrapper(io.BytesIO(content))
        return "-"

    return make


def frame_file(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        frame, path = pl.DataFrame(BASE), folder / name
        if name.endswith(".feather"):
            frame.write_ipc(path)
        elif name.endswith(".json"):
            path.write_text(json.dumps(frame.to_dicts()))
        elif name.endswith(".jsonl"):
            frame.write_ndjson(path)
        else:
            frame.write_parquet(path)
        return path

    return make


CSV = delimited(BASE)
DAYS = [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(ROWS)]
N_DAYS = [float((np.datetime64(day) - np.datetime64("1970-01-01")).astype(int)) for day in DAYS]
SPLIT = [day.split("-") for day in DAYS]
UMLAUTS = {
    **BASE,
    "place": [{"north": "Köln", "south": "Zürich", "east": "Wien"}[p] for p in BASE["place"]],
}
UMLAUT_CSV = delimited(UMLAUTS)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
COUNT = [float(i) for i in range(ROWS)]
HALF = [round(1000.5 + 37 * i, 1) for i in range(ROWS)]


def grouped(value: float, group: str, decimal: str) -> str:
    """A number with marks between groups of digits."""
    return f"{value:,.1f}".replace(",", "g").replace(".", decimal).replace("g", group)


def words(yes: str, no: str) -> Case:
    """A column of two words for yes and no, as feature and as target."""
    cells = [yes if i % 3 else no for i in range(ROWS)]
    values = [float(cell == yes) for cell in cells]
    columns = {"extra": cells, **BASE, "ill": [yes if v == "yes" else no for v in BASE["ill"]]}
    return Case(
        f"yes and no as {yes} and {no}",
        text(delimited(columns)),
        {"extra": values},
        {"numeric": 2, "boolean": 1, "categorical": 1},
        labels=LABELS,
    )


CASES = [
    whole("plain", text(CSV)),
    whole(
        "index column of pandas",
        lambda folder: (pd.DataFrame(BASE).to_csv(folder / "t.csv"), folder / "t.csv")[1],
        left_out={"column 1": "an index"},
    ),
    whole(
        "index of pandas after a shuffle",
        lambda folder: (
            pd.DataFrame(BASE, index=np.random.default_rng(1).permutation(ROWS)).to_csv(
                folder / "t.csv"
            ),
            folder / "t.csv",
        )[1],
        left_out={"column 1": "an index"},
    ),
    with_column(
        "column that rises by one", range(1000, 1000 + ROWS), None, left_out={"extra": "an index"}
    ),
    with_column("identifiers in text", [f"mol-{7 * i % 61:04d}-x{i}" for i in range(ROWS)], None),
    whole("semicolons", text(delimited(BASE, ";"))),
    whole(
        "semicolons and decimal commas",
        text(delimited(BASE, ";", decimal=",")),
        says="decimal commas",
    ),
    whole("tabs in .csv", text(delimited(BASE, "\t"))),
    whole("commas in .txt", text(CSV, "t.txt")),
    whole("bars", text(delimited(BASE, "|"))),
    whole(
        "decimal commas between commas, quoted",
        text(delimited(BASE, decimal=",")),
        says="decimal commas",
    ),
    whole("UTF-8 with its mark", text(b"\xef\xbb\xbf" + CSV.encode())),
    Case("UTF-16", text(UMLAUT_CSV.encode("utf-16")), NUMBERS, dict(USUAL), labels=LABELS),
    Case("UTF-16 without its mark", text(UMLAUT_CSV.encode("utf-16-le")), NUMBERS, dict(USUAL)),
    Case(
        "Latin-1",
        text(UMLAUT_CSV.encode("latin-1")),
        NUMBERS,
        dict(USUAL),
        says="Windows-1252.*'K.ln'|Windows-1252",
    ),
    Case(
        "Windows-1252",
        text(UMLAUT_CSV.replace("Wien", "Wien €").encode("cp1252")),
        NUMBERS,
        dict(USUAL),
        says="Windows-1252",
    ),
    whole(
        "Windows-1251, said",
        text(CSV.replace("north", "север").encode("cp1251")),
        reading=TableReading(encoding="cp1251"),
    ),
    whole("line ends of old Macs", text(delimited(BASE, end="\r"))),
    whole("line ends of Windows", text(delimited(BASE, end="\r\n"))),
    whole("no line end at the end", text(CSV.rstrip("\n"))),
    whole("blank lines at the end", text(CSV + "\n\n\n")),
    with_column(
        "points of thousands and decimal commas",
        [grouped(v, ".", ",") for v in HALF],
        HALF,
        says="decimal commas",
    ),
    with_column("commas of thousands", [grouped(v, ",", ".") for v in HALF], HALF, says="1,000.5"),
    with_column("spaces of thousands", [grouped(v, " ", ",") for v in HALF], HALF),
    with_column("apostrophes of thousands", [grouped(v, "'", ".") for v in HALF], HALF),
    with_column(
        "thousands only, in groups",
        [f"{1000 + 37 * i:,}" for i in range(ROWS)],
        [1000 + 37.0 * i for i in range(ROWS)],
        says="1,000",
    ),
    with_column("per cent", [f"{v} %" for v in HALF], HALF, says="'%'"),
    with_column("euros", [f"{grouped(v, '.', ',')} €" for v in HALF], HALF, says="'€'"),
    with_column("dollars", [f"${v:,.2f}" for v in HALF], HALF, says=r"'\$'"),
    with_column(
        "bounds",
        [f">{int(v)}" if i % 5 == 0 else str(v) for i, v in enumerate(HALF)],
        [int(v) if i % 5 == 0 else v for i, v in enumerate(HALF)],
        says="bounds",
    ),
    with_column("one unit", [f"{v} mg" for v in HALF], HALF, says="'mg'"),
    with_column(
        "two units",
        [f"{v} {'mg' if i % 2 else 'g'}" for i, v in enumerate(HALF)],
        None,
        says="numbers with units",
    ),
    with_column("minus of a typesetter", [f"\u2212{v}" for v in HALF], [-v for v in HALF]),
    words("yes", "no"),
    words("ja", "nein"),
    words("oui", "non"),
    words("Y", "N"),
    words("TRUE", "FALSE"),
    words("wahr", "falsch"),
    with_column("ISO dates", DAYS, N_DAYS, says="days since 1970"),
    with_column(
        "dates dd.mm.yyyy", [f"{d}.{m}.{y}" for y, m, d in SPLIT], N_DAYS, says="dates such as"
    ),
    with_column(
        "dates d.m.yy",
        [f"{int(d)}.{int(m)}.{y[2:]}" for y, m, d in SPLIT],
        N_DAYS,
        says="dates such as",
    ),
    with_column(
        "dates mm/dd/yyyy", [f"{m}/{d}/{y}" for y, m, d in SPLIT], N_DAYS, says="dates such as"
    ),
    with_column(
        "dates dd-Mon-yyyy",
        [f"{d}-{MONTHS[int(m) - 1]}-{y}" for y, m, d in SPLIT],
        N_DAYS,
        says="dates such as",
    ),
    with_column(
        "dates with a clock",
        [f"{m}/{d}/{y} 12:00 PM" for y, m, d in SPLIT],
        [day + 0.5 for day in N_DAYS],
        says="dates such as",
    ),
    with_column(
        "dates that do not tell",
        [f"0{1 + i % 9}/0{1 + i % 7}/2024" for i in range(ROWS)],
        None,
        says="looks like dates.*`dates`",
    ),
    with_column(
        "dates that do not tell, said",
        [f"0{1 + i % 9}/0{1 + i % 7}/2024" for i in range(ROWS)],
        [
            float(
                (
                    np.datetime64(f"2024-0{1 + i % 7}-0{1 + i % 9}") - np.datetime64("1970-01-01")
                ).astype(int)
            )
            for i in range(ROWS)
        ],
        reading=TableReading(dates="day-first"),
    ),
    with_column(
        "times of day",
        [f"{i % 24:02d}:30" for i in range(ROWS)],
        [3600.0 * (i % 24) + 1800 for i in range(ROWS)],
    ),
    with_column(
        "words for missing",
        [
            None if i % 4 == 0 else "#N/A" if i % 4 == 1 else "NULL" if i % 4 == 2 else i
            for i in range(ROWS)
        ],
        [i if i % 4 == 3 else None for i in range(ROWS)],
    ),
    with_column(
        "codes with zeros",
        [f"0{i % 7}{i % 3}" for i in range(ROWS)],
        None,
        says="codes with leading zeros",
    ),
    with_column("empty column", [None] * ROWS, None, left_out={"extra": "missing"}),
    with_column("constant column", ["same"] * ROWS, None, left_out={"extra": "constant"}),
    with_column(
        "negative zero",
        [-0.0 if i % 2 else 1.5 for i in range(ROWS)],
        [0.0 if i % 2 else 1.5 for i in range(ROWS)],
    ),
    with_column(
        "1e400",
        [1.5 + i if i else "1e400" for i in range(ROWS)],
        None,
        refused="must hold finite numbers. Data row 1 has '1e400'; make it empty or leave",
    ),
    with_column(
        "infinities",
        [1.5 + i if i else "-inf" for i in range(ROWS)],
        None,
        refused="must hold finite numbers. Data row 1 has '-inf'",
    ),
    with_column(
        "a word among numbers",
        [1.5 + i if i else "broken" for i in range(ROWS)],
        None,
        refused="'extra' must hold numbers. Data row 1 has 'broken'; make it empty or leave",
    ),
    with_column(
        "two decimal marks",
        [f"{i},5" if i % 2 else f"{i}.5" for i in range(ROWS)],
        None,
        refused="must have one decimal mark",
    ),
    with_column(
        "per cent and fractions",
        [f"{i}%" if i % 2 else f"0.{i + 1}" for i in range(ROWS)],
        None,
        refused="must have % in all cells or in none",
    ),
    with_column("very long text", ["word " * 20_000 + str(i) for i in range(ROWS)], None),
    with_column(
        "quoted newlines",
        [f"first {i % 3}\nsecond, third" for i in range(ROWS)],
        None,
        types={"numeric": 2, "categorical": 2},
    ),
    with_column(
        "quotation marks",
        [f'say "{i % 3}"' for i in range(ROWS)],
        None,
        types={"numeric": 2, "categorical": 2},
    ),
    Case(
        "spaces around names",
        text(CSV.replace(",ill,score", ", ill, score", 1)),
        NUMBERS,
        dict(USUAL),
        labels={},
    ),
    Case(
        "emoji in names",
        text(CSV.replace("dose", "dose 💊", 1)),
        {"dose 💊": BASE["dose"]},
        dict(USUAL),
        labels=LABELS,
    ),
    Case(
        "repeated names",
        text(CSV.replace("weight", "dose", 1)),
        refused="must be different. Got 'dose' repeatedly; rename or remove",
    ),
    Case(
        "names missing at the end",
        text(
            CSV.replace("score\n", "score,,\n", 1)
            .replace("\n", ",,\n")
            .replace("score,,,,", "score,,")
        ),
        NUMBERS,
        dict(USUAL),
        labels=LABELS,
    ),
    Case(
        "ragged",
        text(CSV.replace("\n", ",1\n").replace("score,1", "score")),
        refused="data row 1 of .* must have 5 fields as the header does. Got 6 fields",
    ),
    Case("cut off in quotes", text(CSV + '1,2,"north'), refused="never closed"),
    Case("empty file", text(""), refused="is empty; give a table"),
    Case("header only", text(CSV.split("\n")[0] + "\n"), refused="has a header only"),
    Case(
        "no such file", lambda folder: folder / "none.csv", refused="no table at .*check the path"
    ),
    Case(
        "no such glob", lambda folder: str(folder / "*.csv"), refused="the pattern matches no file"
    ),
    Case("no known ending", text(CSV, "t.doc"), refused="must end in .csv"),
    Case(
        "target all missing",
        text(delimited({**BASE, "score": [None] * ROWS})),
        NUMBERS,
        says="'score' has no label",
    ),
    Case(
        "targets all missing",
        text(delimited({**BASE, "score": [None] * ROWS, "ill": [None] * ROWS})),
        refused="at least one target must have labels",
    ),
    Case(
        "constant target",
        text(delimited({**BASE, "score": [3.5] * ROWS})),
        NUMBERS,
        says="all labels of target 'score' are '3.5'",
    ),
    Case(
        "target of one class",
        text(delimited({**BASE, "ill": ["yes" if v == "yes" else None for v in BASE["ill"]]})),
        NUMBERS,
        says="all labels of target 'ill' are 'yes'",
    ),
    Case("target that is not there", text(CSV), targets=["scor"], refused="did you mean 'score'"),
    Case(
        "target with decimal commas",
        text(delimited({**BASE, "score": [f"{v}".replace(".", ",") for v in BASE["score"]]})),
        NUMBERS,
        labels=LABELS,
        says="'score' was read as numbers with decimal commas",
    ),
    whole(
        "gzip",
        text(gzip.compress(CSV.encode()), "t.csv.gz"),
    ),
    whole(
        "bzip2",
        text(bz2.compress(CSV.encode()), "t.csv.bz2"),
    ),
    whole(
        "xz",
        text(lzma.compress(CSV.encode()), "t.csv.xz"),
    ),
    whole("Zstandard", zstandard(CSV)),
    whole("zip", zipped({"t.csv": CSV, "__MACOSX/._t.csv": "junk"}, "t.csv.zip")),
    Case(
        "zip of two tables",
        zipped({"a.csv": CSV, "b.csv": CSV}),
        refused="must hold one table. Got 'a.csv', 'b.csv'",
    ),
    Case(
        "damaged gzip",
        text(gzip.compress(CSV.encode())[:-30], "t.csv.gz"),
        refused="cut off or damaged",
    ),
    Case(
        "damaged bzip2",
        text(bz2.compress(CSV.encode())[:-30], "t.csv.bz2"),
        refused="cut off or damaged",
    ),
    whole("folder of Parquet", parts("parquet")),
    whole("glob", parts("glob")),
    whole("list of files", parts("list")),
    whole("Feather", frame_file("t.feather")),
    whole("JSON lines", frame_file("t.jsonl")),
    whole("JSON", frame_file("t.json")),
    whole("Parquet", frame_file("t.parquet")),
    whole("spreadsheet", sheet(BASE)),
    whole("standard input", standard_input(CSV.encode())),
    whole("pandas", lambda folder: pd.DataFrame(BASE)),
    whole(
        "pandas with an index",
        lambda folder: pd.DataFrame(BASE, index=[f"r{i}" for i in range(ROWS)]),
    ),
    whole("dict of lists", lambda folder: dict(BASE)),
    whole("dict of arrays", lambda folder: {name: np.array(cells) for name, cells in BASE.items()}),
    whole("list of dicts", lambda folder: pl.DataFrame(BASE).to_dicts()),
    whole(
        "dict of objects with gaps",
        lambda folder: {**BASE, "place": [None if False else p for p in BASE["place"]]},
    ),
]


def differences(read: np.ndarray, wanted: Sequence[float | None]) -> int:
    """How many numbers are not as they must be."""
    expected = np.array([np.nan if v is None else float(v) for v in wanted])
    same = (read == expected) | (np.isnan(read) & np.isnan(expected))
    return int((~same).sum())


def faults(case: Case, folder: Path, *, learn: bool = True) -> list[str]:
    """What is not as it must be.

    Args:
        case: The table.
        folder: Where to write it.
        learn: Whether to fit and to predict it, too.
    """
    before, source = sys.stdin, case.make(folder)
    try:
        table = open_table(source, reading=case.reading)
        found = infer_schema(table, case.targets)
        read = read_features(table, found.features)
        labels = read_targets(written_plainly(table), found.tasks)
        if learn:
            is_gone = isinstance(source, str) and source == "-"
            again = table if is_gone else open_table(source, reading=case.reading)
            wrong = _of_learning(case, table, again)
    except ramify.InputError as error:
        line = str(error)
        if case.refused is None:
            return [f"refused: {line}"]
        wrong = [] if re.search(case.refused, line) else [f"says {line!r}"]
        return [*wrong, *(["not one line"] if "\n" in line or len(line) > 400 else [])]
    finally:
        sys.stdin = before
    if case.refused is not None:
        return ["was read"]
    kinds = [feature.type for feature in found.features.features]
    types = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    return [
        *_of_cells("feature", case.features, found.features.names, read),
        *([] if case.types in (None, types) else [f"features are {types}"]),
        *_of_words(case, found),
        *_of_cells("label", case.labels, found.tasks.names, np.where(labels[1], labels[0], np.nan)),
        *(wrong if learn else []),
    ]


def _of_learning(case: Case, table: Table, again: Table) -> list[str]:
    """Fit a table, and predict it after it was opened again."""
    run = ramify.fit(
        table,
        list(case.targets),
        sharing=HardSharing(),
        hidden=(8,),
        training=ramify.Training(epochs=1),
        baselines=(),
    )
    predictions = run.predict(again)
    finite = all(np.isfinite(c.to_numpy()).all() for c in predictions if c.dtype.is_numeric())
    found = [] if predictions.height == ROWS and finite else ["predictions are not whole"]
    encoder = run.model.encoder
    read = read_features(again, encoder.schema) if isinstance(encoder, TableEncoder) else None
    names = [f.name for f in encoder.schema.features] if isinstance(encoder, TableEncoder) else []
    return found if read is None else [*found, *_of_cells("new row's", case.features, names, read)]


def _of_cells(
    what: str, wanted: Mapping[str, Sequence[float | None]], names: Sequence[str], read: np.ndarray
) -> list[str]:
    """Which columns were not read as they must be."""
    places = {name.strip(): i for i, name in enumerate(names)}
    return [
        f"{n} cells of {what} {name} are not as they must be"
        for name, values in wanted.items()
        if (n := differences(read[:, places[name]], values) if name in places else len(values))
    ]


def _of_words(case: Case, inferred: Inferred) -> list[str]:
    """Which columns are not left out, and what is not said."""
    found = [
        f"{name} is left out: {inferred.left_out.get(name)}"
        for name, why in case.left_out.items()
        if not re.search(why, inferred.left_out.get(name, "not at all"))
    ]
    if case.says and not any(re.search(case.says, line) for line in inferred.warnings):
        found.append(f"says {inferred.warnings}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only cases whose name holds one of these")
    options = parser.parse_args()
    chosen = [c for c in CASES if not options.names or any(n in c.name for n in options.names)]
    wrong = 0
    for case in chosen:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            try:
                found = faults(case, Path(folder))
            except Exception as error:  # noqa: BLE001 - whatever else comes out is what we look for
                found = [f"{type(error).__name__}: {str(error)[:300]}"]
        wrong += bool(found)
        kind = "refused in one line" if case.refused else "read right"
        print(f"{case.name}: {'; '.join(found) if found else kind}")
    print(f"{len(chosen) - wrong} of {len(chosen)} tables are read right or refused in one line")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
