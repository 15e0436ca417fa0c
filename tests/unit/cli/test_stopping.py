"""Ctrl-C and SIGTERM: one line, the right exit code, and a run that can go on."""

import signal
from pathlib import Path

import pytest
from tests.unit.cli._command import Said, fit, make_table

from ramify import Run, load
from ramify.runs import can_be_resumed
from ramify.training import EpochEnded

both = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)


class Signalling:
    """Stands for the words of an epoch, and sends a signal with the second one."""

    def __init__(self, number: signal.Signals) -> None:
        self.number, self.seen = number, 0

    def __call__(self, event: EpochEnded) -> str:
        self.seen += 1
        if self.seen == 2:
            signal.raise_signal(self.number)
        return f"loss {event.loss:.4f}"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return make_table(tmp_path / "t.csv")


def assert_one_line(said: Said, code: int, words: str) -> None:
    assert said.code == code
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert words in said.err


@both
def test_training_stops_with_its_state(
    table: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    output, straight = table.parent / "out", table.parent / "straight"
    with monkeypatch.context() as patch:
        patch.setattr("ramify.cli._progress._state", Signalling(number))
        said = fit(table, output, "--epochs", "3")
    assert_one_line(said, code, "its state was saved; use --resume")
    assert can_be_resumed(output)
    assert fit(table, output, "--epochs", "3", "--resume").code == 0
    fit(table, straight, "--epochs", "3")
    weights = [(each / "model.safetensors").read_bytes() for each in (output, straight)]
    assert weights[0] == weights[1]
    assert load(output).record.curves == load(straight).record.curves


@both
def test_a_run_stopped_while_it_saves_can_go_on(
    table: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    output = table.parent / "out"

    def save(*_args: object, **_kwargs: object) -> None:
        signal.raise_signal(number)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save", save)
        said = fit(table, output)
    assert_one_line(said, code, "its state was saved; use --resume")
    assert fit(table, output, "--resume").code == 0
    assert load(output).record.tasks


@both
def test_a_run_stopped_while_it_reads_leaves_nothing(
    table: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    def read(*_args: object, **_kwargs: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr("ramify.runs._fit.prepare", read)
    assert_one_line(fit(table, table.parent / "out"), code, "stopped")
    assert [each.name for each in table.parent.iterdir()] == ["t.csv"]


def test_a_second_ctrl_c_changes_nothing(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_args: object, **_kwargs: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("ramify.runs._fit.prepare", read)
    assert_one_line(fit(table, table.parent / "out"), 130, "stopped")


def test_signals_are_handled_as_before_afterwards(table: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    fit(table, table.parent / "out", "--device", "toaster")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
