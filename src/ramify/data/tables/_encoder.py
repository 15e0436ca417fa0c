"""Raw columns to network inputs, with all statistics in buffers, so that a model carries them."""

from typing import Final, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ramify._core import InputError, ShapeError
from ramify.data.tables._schema import FeatureColumn, TableSchema

FURTHEST: Final = 10.0  # standard deviations
_VALUE: Final = -1.0
_MISSING: Final = -2.0


class TableEncoder(nn.Module):
    """Encodes a raw row: numbers standardised, categories one-hot, missing values marked.

    Every encoded column looks at one raw column. It holds the standardised number, or whether the
    raw value is a certain category, or whether it is missing. `forward` does all of them at once.
    Missing numbers become 0, which is the mean of the training rows; the output is always finite.

    Args:
        schema: The raw columns.
        n_features: Width of the encoded row. Build an encoder of this width to load a state into.

    Example:
        >>> schema = TableSchema(features=(FeatureColumn(name="age", type="numeric"),))
        >>> raw = torch.tensor([[30.0], [50.0], [float("nan")]])
        >>> TableEncoder.fitted(schema, raw, torch.arange(3))(raw).tolist()
        [[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """

    source: Tensor
    wanted: Tensor
    location: Tensor
    scale: Tensor

    def __init__(self, schema: TableSchema, n_features: int) -> None:
        super().__init__()
        self.schema = schema
        self.register_buffer("source", torch.zeros(n_features, dtype=torch.int64))
        self.register_buffer("wanted", torch.full((n_features,), _VALUE))
        self.register_buffer("location", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))

    @classmethod
    def fitted(
        cls, schema: TableSchema, raw: Float[Tensor, "row raw"], rows: Int64[Tensor, " chosen"]
    ) -> "TableEncoder":
        """Build the encoder from the statistics of the training rows.

        Args:
            schema: The raw columns.
            raw: What `read_features` gives.
            rows: The training rows; no other row is looked at.
        """
        if raw.ndim != 2 or raw.shape[1] != schema.n_raw or len(rows) == 0:
            raise ShapeError(
                f"`raw` must have a column for each of the {schema.n_raw} features, and `rows` at "
                f"least one row. Got {tuple(raw.shape)} and {len(rows)} rows"
            )
        columns = _columns(schema, raw[rows])
        if not columns:
            raise InputError("no feature has a value among the training rows; add rows or features")
        encoder = cls(schema, len(columns))
        encoder.source.copy_(torch.tensor([column.source for column in columns]))
        encoder.wanted.copy_(torch.tensor([column.code for column in columns]))
        encoder.location.copy_(torch.tensor([column.location for column in columns]))
        encoder.scale.copy_(torch.tensor([column.scale for column in columns]))
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
        value = raw.index_select(1, self.source)  # (batch, feature)
        missing = value.isnan()
        number = ((value - self.location) / self.scale).clamp(-FURTHEST, FURTHEST)
        number = torch.where(missing, 0.0, number)
        flag = torch.where(self.wanted == _MISSING, missing, value == self.wanted)
        return torch.where(self.wanted == _VALUE, number, flag.to(number.dtype))

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


def _columns(schema: TableSchema, raw: Tensor) -> list[_Column]:
    statistics = _Statistics.of(raw)
    columns: list[_Column] = []
    for i, feature in enumerate(schema.features):
        if feature.type == "categorical":
            n_codes = len(feature.categories) + int(
                statistics.highest[i] == len(feature.categories)
            )
            columns += [_Column(i, float(code)) for code in range(n_codes)]
        else:
            columns.append(_Column(i, _VALUE, statistics.location[i], statistics.scale[i]))
        if statistics.any_missing[i]:
            columns.append(_Column(i, _MISSING))
    return columns


class _Statistics(NamedTuple):
    location: list[float]
    scale: list[float]
    highest: list[float]
    any_missing: list[bool]

    @classmethod
    def of(cls, raw: Tensor) -> "_Statistics":
        missing = raw.isnan()
        known = torch.where(missing, 0, raw.double())
        count = (~missing).sum(dim=0).clamp(min=1)
        mean = known.sum(dim=0) / count
        spread = torch.where(missing, 0, known - mean).square().sum(dim=0).div(count).sqrt()
        # Bits stay bits: a fingerprint's zeros then stay zero, and dropout on inputs keeps sense.
        as_is = (missing | (known == 0) | (known == 1)).all(dim=0)
        location = torch.where(as_is, 0, mean)
        scale = torch.where(as_is | (spread <= 1e-7 * mean.abs()), 1, spread)
        return cls(
            location.tolist(),
            scale.tolist(),
            known.amax(dim=0).tolist(),
            missing.any(dim=0).tolist(),
        )


def _words(feature: FeatureColumn, code: float) -> str:
    if code == _VALUE:
        return feature.name
    if code == _MISSING:
        return f"{feature.name} is missing"
    other = code >= len(feature.categories)
    return f"{feature.name} = {'other' if other else feature.categories[int(code)]}"
