"""What every part of a record has in common."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a record: frozen, finite, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
