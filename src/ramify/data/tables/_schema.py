"""Which feature columns a model reads and how: what it needs to read a new table."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ramify.data.tables._notation import Notation

ColumnType = Literal["numeric", "boolean", "categorical", "date", "time"]
SCHEMA_VERSION: Final = 2


class FeatureColumn(BaseModel):
    """One feature column.

    Attributes:
        name: Its name in the table.
        type: ``numeric``, ``boolean``, ``categorical``, ``date`` (days since 1970) or ``time``
            (seconds since midnight).
        categories: The categories that are told apart, most frequent first; any other text has
            the code ``len(categories)``. Empty unless categorical.
        notation: How texts write numbers or dates, where not as programs do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    type: ColumnType
    categories: tuple[str, ...] = ()
    notation: Notation | None = None

    @model_validator(mode="after")
    def _categories_fit(self) -> "FeatureColumn":
        if (self.type == "categorical") != bool(self.categories):
            raise ValueError("a categorical column has categories, and no other column has any")
        if len(set(self.categories)) < len(self.categories):
            raise ValueError("the categories of a column must be different")
        return self


class TableSchema(BaseModel):
    """The feature columns of a table in the order in which a model reads them.

    Attributes:
        features: The columns.
        version: 1 in models that were saved before dates were told from numbers: their numeric
            columns take dates too.

    Example:
        >>> schema = TableSchema(features=(FeatureColumn(name="age", type="numeric"),))
        >>> TableSchema.model_validate_json(schema.model_dump_json()) == schema
        True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: Annotated[tuple[FeatureColumn, ...], Field(min_length=1)]
    version: Literal[1, 2] = 1

    @model_validator(mode="after")
    def _names_differ(self) -> "TableSchema":
        if len(set(self.names)) < len(self.features):
            raise ValueError("the feature columns must have different names")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.features)

    @property
    def n_raw(self) -> int:
        """Number of columns."""
        return len(self.features)

    def count(self, column_type: ColumnType) -> int:
        """How many columns are of a type."""
        return sum(column.type == column_type for column in self.features)
