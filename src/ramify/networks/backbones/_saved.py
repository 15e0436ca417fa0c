"""What a saved network is built again from, checked as it is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from ramify._core import InputError, Setting, listed, quoted
from ramify.networks.backbones._stages import Backbone
from ramify.tasks import SharingTree, TaskSet

Plain = TypeVar("Plain")


@dataclass(frozen=True)
class Parts:
    """What every network is built from.

    Attributes:
        backbone: A backbone of the same shape; none of what has no backbone.
        tree: Which tasks share which stages.
        tasks: The tasks.
        n_features: As for `BranchedNetwork`.
    """

    backbone: Backbone
    tree: SharingTree
    tasks: TaskSet
    n_features: int | None = None


def read_settings(form: type[Plain], settings: Mapping[str, Setting], what: str) -> Plain:
    """Settings of a file as a dataclass.

    Args:
        form: The dataclass. What is absent keeps its default.
        settings: By name.
        what: Whose they are, for messages.

    Raises:
        InputError: If one is unknown, missing, or has the wrong type.
    """
    known = [field.name for field in fields(form)]  # type: ignore[arg-type]  # all are dataclasses
    if unknown := [name for name in settings if name not in known]:
        raise InputError(
            f"the settings of {what} are {listed(known) or 'none'}. Got {quoted(unknown[0])}"
        )
    try:
        return TypeAdapter(form).validate_json(json.dumps(dict(settings)), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        got = settings.get(str(first["loc"][0]) if first["loc"] else "")
        raise InputError(
            f"`{place}` of {what} does not fit: {first['msg']}. Got {quoted(got)}"
        ) from None
