"""What tasks look at in pictures, as data."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ramify.records._read import Part, read_json, write_json

REGIONS_VERSION = 1

Picture = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+=*$")]
Matrix = list[list[float | None]]


class ContrastInfo(Part):
    """Pairs of one group against pairs of two.

    Attributes:
        within: Mean over pairs of one group, and pictures.
        between: Mean over pairs of two groups, and pictures.
        low: Lower end of the 95 % bootstrap interval of the difference, over pictures.
        high: Upper end.
        p_value: One-sided, by dealing tasks to groups of the same sizes at random.
    """

    within: float
    between: float
    low: float
    high: float
    p_value: float


class ModelRegions(Part):
    """What the tasks look at in one model.

    Attributes:
        name: Of the model.
        stage: The stage that was looked at, from 1 at the input.
        groups: Tasks that share the last stage of this model.
        pictures: Per task, the shown pictures with the task's map laid over, as PNG in base64.
        iou: Intersection over union of the regions; None where no picture has both.
        correlation: Of the maps; None likewise.
        of_iou: Of the groups that the record judges; None without pairs of both sorts.
        of_correlation: The same for the correlation.
    """

    name: str
    stage: int
    groups: list[list[str]]
    pictures: dict[str, list[Picture]]
    iou: Matrix
    correlation: Matrix
    of_iou: ContrastInfo | None
    of_correlation: ContrastInfo | None


class RegionsRecord(Part):
    """What tasks look at in some pictures, in one model or two.

    Attributes:
        format_version: Version of this form.
        source: Where the pictures come from.
        method: How the maps were made.
        n_images: Pictures that the numbers rest on.
        share: Part of the pixels that is a region.
        by_chance: Intersection over union of two regions that are drawn anywhere.
        tasks: Names, in the order of the rows of all matrices.
        groups: The groups that are judged in every model: those of the first.
        shown: The pictures that are shown, as PNG in base64.
        models: The model first, then what it is compared with.
    """

    format_version: Literal[1] = 1
    source: str
    method: str
    n_images: int
    share: float
    by_chance: float
    tasks: list[str]
    groups: list[list[str]]
    shown: list[Picture]
    models: Annotated[list[ModelRegions], Field(min_length=1)]

    @model_validator(mode="after")
    def _sizes_agree(self) -> "RegionsRecord":
        for model in self.models:
            for matrix in (model.iou, model.correlation):
                if {len(matrix), *map(len, matrix)} != {len(self.tasks)}:
                    raise ValueError("a matrix must have one row and one column per task")
        return self

    def save(self, path: Path) -> None:
        """Write the record as JSON, whole or not at all."""
        write_json(self, path)

    @classmethod
    def load(cls, path: Path) -> "RegionsRecord":
        """Read a record.

        Raises:
            ModelFileError: If the file is missing, damaged, or of a newer version.
        """
        return read_json(cls, path, REGIONS_VERSION, "record of regions")
