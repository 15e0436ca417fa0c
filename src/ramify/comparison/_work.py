"""One unit of work in a process of its own: learn, be scored, write the result."""

import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import current_process
from pathlib import Path

import torch
from joblib import parallel_config
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ramify._core import DirectoryInUseError, RamifyError, StoppedError
from ramify.comparison._contender import Work, digest_of
from ramify.records import Failure, RunResult, Scores
from ramify.runs import Finished, Job, fit_and_score, prepare, stages_in_lists

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_PEAK_ONLY = "5"


class PeakMemory:
    """Measures the peak from its making on: of the process, or of the GPU if one computes."""

    def __init__(self) -> None:
        self._known = _reset()
        self._device = torch.cuda.is_available()
        if self._device:
            torch.cuda.reset_peak_memory_stats()

    def bytes(self) -> int | None:
        """The peak so far; None where the system does not tell."""
        if self._device and (peak := torch.cuda.max_memory_allocated()):
            return int(peak)
        return _resident_peak() if self._known else None


def _reset() -> bool:
    """Start the system's count of the peak anew; whether that is possible here."""
    try:
        _RESET.write_text(_PEAK_ONLY)
    except OSError:
        return False
    return _resident_peak() is not None


def _resident_peak() -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    words = next((line.split() for line in lines if line.startswith("VmHWM:")), None)
    return None if words is None else int(words[1]) * 1024


_LONGEST_REASON = 300
_SECONDS_BETWEEN_LOOKS = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stopped:
    """A signal ended the work; its state is saved."""

    message: str
    signal_number: int


Done = RunResult | Failure | Stopped


def do(work: Work, owner: int | None = None) -> Done:
    """Do one unit of work. Its result is on the disk before it is handed back.

    Args:
        work: The work.
        owner: Number of the process that hands it out. joblib's own workers, which are its children,
            end with it, also where it was killed.
    """
    if owner is not None and current_process().name.startswith("Loky"):
        _end_with(owner)
    with _threads(work.threads):
        peak = PeakMemory()
        try:
            finished, scores = _fitted(work)
        except StoppedError as error:
            # The exception itself would not pass from one process to another.
            return Stopped(str(error), error.signal_number)
        except DirectoryInUseError:
            raise
        except Exception as error:  # noqa: BLE001  # one method's fault must not cost the others' results
            if not isinstance(error, RamifyError):
                _log.warning("a fault in %s", work.contender.name, exc_info=True)
            return Failure(
                method=work.contender.name,
                seed=work.options.seed,
                trial=work.trial,
                reason=_in_a_line(error),
            )
        result = _result(work, finished, scores, peak.bytes())
    result.save(work.result)
    shutil.rmtree(work.folder, ignore_errors=True)
    return result


@cache
def _end_with(owner: int) -> None:
    """Watch the parent, once per process: joblib's workers outlive one that was killed."""

    def watch() -> None:
        while os.getppid() == owner:  # that of an orphan is another
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="watching the parent").start()


def _fitted(work: Work) -> tuple[Finished, Scores]:
    """Fit, or go on from the state in the folder, and score."""
    options = work.contender.adapted(work.options, work.tasks)
    prepared = prepare(work.table, options)
    job = Job(prepared, options, work.folder, tells_stability=False)
    job.check()
    return fit_and_score(job)


def _result(work: Work, finished: Finished, scores: Scores, memory: int | None) -> RunResult:
    return RunResult(
        method=work.contender.name,
        seed=work.options.seed,
        trial=work.trial,
        digest=digest_of(work.job),
        job=work.job,
        scores=scores,
        size=finished.parameters,
        flops=finished.flops,
        seconds=finished.seconds,
        memory=memory,
        settings=dict(finished.chosen),
        stages=stages_in_lists(finished.tree),
        warnings=list(finished.warnings),
    )


def _in_a_line(error: Exception) -> str:
    kind = "" if isinstance(error, RamifyError) else f"{type(error).__name__}: "
    words = " ".join(f"{kind}{error}".split())
    return words if len(words) <= _LONGEST_REASON else f"{words[: _LONGEST_REASON - 1]}…"


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """As many threads wherever it runs: the last bits of a sum depend on them.

    A forest would send its trees to the cluster that the run itself was sent to.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        with threadpool_limits(number), parallel_config(backend="sequential"):
            yield
    finally:
        torch.set_num_threads(before)
