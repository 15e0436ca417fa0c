"""Raw columns to network inputs, with all statistics in buffers, so that a model carries them."""

from typing import Any, Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ramify._core import InputError, ShapeError
from ramify.data.tables._scaling import spread_of
from ramify.data.tables._schema import FeatureColumn, TableSchema

FURTHEST: Final = 10.0  # standard deviations
_VALUE: Final = -1.0
_MISSING: Final = -2.0
_CHUNK: Final = 8192


class TableEncoder(nn.Module):
    """Encodes a raw row: numbers standardised, categories one-hot, missing values marked.

    Every encoded column looks at one raw column. It holds the standardised number, or whether the
    raw value is a certain category, or whether it is missing. `forward` does all of them at once.
    Missing numbers become 0, which is the mean of the training rows, or the lower of two values; the
    output is always finite.

    Raw numbers, location and scale are of float64, and only what is centred and scaled becomes
    float32: a table whose numbers all lie around 1.7e9 is encoded as one without that offset.

    Args:
        schema: The raw columns.
        n_features: Width of the encoded row. Build an encoder of this width to load a state into.

    Raises:
        InputError: If so many columns cannot come from the raw ones.

    Example:
        >>> schema = TableSchema(features=(FeatureColumn(name="age", type="numeric"),))
        >>> raw = torch.tensor([[30.0], [40.0], [float("nan")], [50.0], [40.0]])
        >>> encoded = TableEncoder.fitted(schema, raw, torch.arange(5))(raw)
        >>> encoded.double().round(decimals=1).tolist()
        [[-1.4, 0.0], [0.0, 0.0], [0.0, 1.0], [1.4, 0.0], [0.0, 0.0]]
    """

    source: Tensor
    wanted: Tensor
    location: Tensor
    scale: Tensor

    def __init__(self, schema: TableSchema, n_features: int) -> None:
        super().__init__()
        # A file that was made to fill the memory may ask for more.
        most = sum(len(feature.categories) + 2 for feature in schema.features)
        if not 1 <= n_features <= most:
            raise InputError(
                f"must be from 1 to {most}", argument="n_features", got=f"{n_features}"
            )
        self.schema = schema
        double = torch.float64
        self.register_buffer("source", torch.zeros(n_features, dtype=torch.int64))
        self.register_buffer("wanted", torch.full((n_features,), _VALUE))
        self.register_buffer("location", torch.zeros(n_features, dtype=double))
        self.register_buffer("scale", torch.ones(n_features, dtype=double))
        self._only_numbers = False

    @classmethod
    def fitted(
        cls, schema: TableSchema, raw: Float[Tensor, "row raw"], rows: Int64[Tensor, " chosen"]
    ) -> "TableEncoder":
        """Build the encoder from the statistics of the training rows.

        A column of two different numbers becomes 0 for the lower and 1 for the higher one; other
        numbers get mean 0 and standard deviation 1. Columns with one value only are left out.

        Args:
            schema: The raw columns.
            raw: What `read_features` gives.
            rows: The training rows; no other row is looked at.

        Raises:
            InputError: If no column has different values among the training rows.
            ShapeError: If `raw` does not fit the schema, or there is no training row.
        """
        if raw.ndim != 2 or raw.shape[1] != schema.n_raw or len(rows) == 0:
            raise ShapeError(
                f"`raw` must have a column for each of the {schema.n_raw} features, and `rows` at "
                f"least one row. Got {tuple(raw.shape)} and {len(rows)} rows"
            )
        columns = _columns(schema, raw[rows].double().numpy())
        if not columns:
            raise InputError(
                "at least one feature must have different values among the training rows. Got "
                "none; add rows or features"
            )
        encoder = cls(schema, len(columns))
        encoder.source.copy_(torch.tensor([column.source for column in columns]))
        encoder.wanted.copy_(torch.tensor([column.code for column in columns]))
        double = torch.float64
        encoder.location.copy_(torch.tensor([c.location for c in columns], dtype=double))
        encoder.scale.copy_(torch.tensor([c.scale for c in columns], dtype=double))
        encoder._know_columns()
        return encoder

    @property
    def n_features(self) -> int:
        """Width of the encoded row."""
        return len(self.source)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one encoded row."""
        return (self.n_features,)

    def forward(self, raw: Float[Tensor, "batch raw"]) -> Float[Tensor, "batch feature"]:
        """Encode raw rows."""
        if self._only_numbers:
            return self._numbers(raw)
        value = raw.index_select(1, self.source)  # (batch, feature)
        number = self._numbers(value)
        flag = torch.where(self.wanted == _MISSING, value.isnan(), value == self.wanted)
        return torch.where(self.wanted == _VALUE, number, flag.to(number.dtype))

    def _numbers(self, value: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch feature"]:
        number = (value - self.location).div_(self.scale).clamp_(-FURTHEST, FURTHEST)
        # Last, as NaN: float32 takes half the time, and the missing ones are at the mean then.
        # Row by row, as the network reads it: a block of polars lies column by column.
        row_by_row = torch.contiguous_format
        return number.to(self.wanted.dtype, memory_format=row_by_row).nan_to_num_(0.0)

    def _know_columns(self) -> None:
        """Find out, once and not in every step, whether all columns are those numbers and no more."""
        here = torch.arange(self.schema.n_raw, device=self.source.device)
        numbers = bool((self.wanted == _VALUE).all())
        self._only_numbers = numbers and torch.equal(self.source, here)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super()._load_from_state_dict(*args, **kwargs)
        self._know_columns()

    @torch.no_grad()
    def encoded(self, raw: Float[Tensor, "row raw"]) -> Float[Tensor, "row feature"]:
        """Encode many rows, a part of them at a time: what is between is as large as many copies."""
        parts = [self(raw[start : start + _CHUNK]) for start in range(0, len(raw), _CHUNK)]
        return torch.cat(parts)

    @property
    def names(self) -> tuple[str, ...]:
        """What each encoded column says."""
        pairs = zip(self.source.tolist(), self.wanted.tolist(), strict=True)
        return tuple(_words(self.schema.features[source], code) for source, code in pairs)


class _Column(NamedTuple):
    source: int
    code: float
    location: float = 0.0
    scale: float = 1.0


def _columns(schema: TableSchema, raw: Float[np.ndarray, "row raw"]) -> list[_Column]:
    spread = spread_of(raw)
    # Bits stay bits: a fingerprint's zeros then stay zero, and dropout on inputs keeps sense.
    location = np.where(spread.is_two_valued, spread.low, spread.location).tolist()
    scale = np.where(spread.is_two_valued, spread.high - spread.low, spread.scale).tolist()
    columns: list[_Column] = []
    for i, feature in enumerate(schema.features):
        if feature.type == "categorical":
            # An input of other categories learns nothing where training rows have none.
            n_known = len(feature.categories)
            n_codes = n_known + int(spread.high[i] == n_known)
            columns += [_Column(i, float(code)) for code in range(n_codes)]
        elif scale[i] > 0:
            columns.append(_Column(i, _VALUE, location[i], scale[i]))
        if spread.n_missing[i]:
            columns.append(_Column(i, _MISSING))
    return columns


def _words(feature: FeatureColumn, code: float) -> str:
    if code == _VALUE:
        return feature.name
    if code == _MISSING:
        return f"{feature.name} is missing"
    other = code >= len(feature.categories)
    return f"{feature.name} = {'other' if other else feature.categories[int(code)]}"
