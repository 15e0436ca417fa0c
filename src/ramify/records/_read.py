"""Reading a versioned JSON file into its form."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ramify._core import ModelFileError, quoted

Form = TypeVar("Form", bound=BaseModel)


class _Version(BaseModel):
    format_version: int


Migration = Callable[[dict[str, Any]], dict[str, Any]]


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
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ModelFileError(
            f"no {what} at {quoted(path)}; name a directory that `ramify fit` finished"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(
            f"cannot read the {what} {quoted(path)}: {getattr(error, 'strerror', error)}"
        ) from None
    try:
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
        return form.model_validate_json(text)
    except (TypeError, KeyError, AttributeError):
        raise ModelFileError(f"the {what} {quoted(path)} is damaged or was changed") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelFileError(
            f"the {what} {quoted(path)} is damaged or was changed: {where}: {first['msg']}"
        ) from None


def _renewed(text: str, version: int, older: Mapping[int, Migration]) -> tuple[str, int]:
    content = json.loads(text)
    try:
        while version in older:
            content, version = older[version](content), version + 1
    except (ValueError, OverflowError) as error:  # where a number should be is none
        raise TypeError(str(error)) from None
    return json.dumps(content), version
