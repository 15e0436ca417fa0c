"""Versioned JSON files with a digest of what they say."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ramify._core import ModelFileError, check_plain_file, quoted, write_atomically


class Part(BaseModel):
    """A part of a record: frozen, finite, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# The ways of sharing of version 1, whose records held their names alone. No later one belongs here.
_NETWORKS: Final = frozenset(
    [
        "soft",
        "anchored",
        "trace-norm",
        "relationship",
        "cross-stitch",
        "sluice",
        "factorised",
        "mmoe",
        "cgc",
        "ple",
        "mtan",
        "low-level",
    ]
)
_LABELS: Final[Mapping[str, str]] = {
    "single-task": "one network per task",
    "hard": "one shared network",
    "fully-adaptive": "a tree learned in training",
    "tree": "the tree that was given",
    "random-forest": "one forest per task, scikit-learn",
    "ridge-logistic": "one linear model per task, scikit-learn",
}


def with_description(record: dict[str, Any]) -> dict[str, Any]:
    """A run's record of version 1 as one of version 2, in which a way of sharing is described."""
    sharing = record.get("sharing")
    if isinstance(sharing, dict):
        record["sharing"] = description_of(str(sharing.get("name"))) | sharing
    return record | {"format_version": 2}


def description_of(name: str) -> dict[str, Any]:
    """Label and structure of a way of sharing of version 1, and whether its tasks share."""
    base = name.partition(" + ")[0]
    structure = "network" if base in _NETWORKS else "tree"
    label = _LABELS.get(base, "")
    if base.startswith("linear:"):
        structure, label = "linear", "linear models that share"
    return {"label": label, "structure": structure, "shares": base != "single-task"}


def compared(record: dict[str, Any]) -> dict[str, Any]:
    """A comparison of version 1 as one of version 2."""
    for method in record.get("methods", ()):
        kind = method.pop("kind", "network")
        described = description_of(str(method["name"]))
        structure = described["structure"] if kind == "network" else kind
        method.update({"label": described["label"], "structure": structure})
    references = {"single_task": "single-task", "shared": "hard"}
    return record | {"format_version": 2, "references": references}


Form = TypeVar("Form", bound=BaseModel)


class _Version(BaseModel):
    format_version: int


_DIGEST: Final = "sha256"
_LONGEST: Final = 160

Migration = Callable[[dict[str, Any]], dict[str, Any]]


def write_json(form: BaseModel, path: Path) -> None:
    """Write a form as JSON, whole or not at all, with the digest of what it says.

    Args:
        form: The pydantic form of the file.
        path: The file.
    """
    content = json.loads(form.model_dump_json())
    sealed = content | {_DIGEST: _digest_of(content)}
    write_atomically(path, json.dumps(sealed, indent=1, ensure_ascii=False))


def read_json(
    form: type[Form],
    path: Path,
    version: int,
    what: str,
    older: Mapping[int, Migration] = MappingProxyType({}),
) -> Form:
    """Read a versioned JSON file into its form, with one clear line if that fails.

    Args:
        form: The pydantic form of the file.
        path: The file.
        version: The version that this release writes.
        what: What the file is, for the message.
        older: For versions that can still be read, what makes the next one of them.

    Raises:
        ModelFileError: If the file is missing, damaged, or of a newer version.
    """
    text = _text_of(path, what)
    try:
        text, is_whole = _unsealed(text)
        found = _Version.model_validate_json(text).format_version
        if found > version:
            raise ModelFileError(
                f"the {what} {quoted(path)} has format version {found}, this release reads up to "
                f"{version}; use a newer ramify"
            )
        if found in older:
            text, found = _renewed(text, found, older)
        if 0 < found < version:
            raise ModelFileError(
                f"the {what} {quoted(path)} has format version {found}, this release reads "
                f"{version}; fit again"
            )
        read = form.model_validate_json(text)  # whose complaint says more than the digest's
        if not is_whole:
            raise ModelFileError(
                f"the {what} {quoted(path)} is damaged or was changed: its digest does not fit"
            )
        return read
    except ModelFileError:
        raise
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelFileError(
            f"the {what} {quoted(path)} is damaged or was changed: {_shortened(where)}: "
            f"{_shortened(first['msg'])}"
        ) from None
    except (TypeError, KeyError, AttributeError, ValueError, RecursionError):
        raise ModelFileError(f"the {what} {quoted(path)} is damaged or was changed") from None


def _shortened(words: str) -> str:
    """It may quote what the file holds, however long that is."""
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


def _text_of(path: Path, what: str) -> str:
    try:
        check_plain_file(path)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ModelFileError(
            f"no {what} at {quoted(path)}; name a directory that `ramify fit` finished"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(
            f"cannot read the {what} {quoted(path)}: {getattr(error, 'strerror', error)}"
        ) from None


def _unsealed(text: str) -> tuple[str, bool]:
    """What a file says, without the digest, and whether the digest is that; or there is none.

    Files from before there were digests have none.
    """
    try:
        content = json.loads(text)
    except ValueError:
        return text, True  # the form tells where it is wrong
    if not isinstance(content, dict) or _DIGEST not in content:
        return text, True
    digest = content.pop(_DIGEST)
    return json.dumps(content), digest == _digest_of(content)


def _digest_of(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _renewed(text: str, version: int, older: Mapping[int, Migration]) -> tuple[str, int]:
    content = json.loads(text)
    try:
        while version in older:
            content, version = older[version](content), version + 1
    except (ValueError, OverflowError) as error:  # where a number should be is none
        raise TypeError(str(error)) from None
    return json.dumps(content), version
