"""Peak memory of a stretch of work."""

from pathlib import Path

import torch

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
