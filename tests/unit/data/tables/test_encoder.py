import pytest
import torch
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.data import FeatureColumn, TableEncoder, TableSchema

NAN, INF = float("nan"), float("inf")
SCHEMA = TableSchema(
    features=(
        FeatureColumn(name="age", type="numeric"),
        FeatureColumn(name="bit", type="numeric"),
        FeatureColumn(name="ill", type="boolean"),
        FeatureColumn(name="colour", type="categorical", categories=("red", "blue")),
    )
)
RAW = torch.tensor(
    [
        [10.0, 1, 0, 0],
        [30.0, 0, NAN, 1],
        [NAN, 0, 1, 2],
        [50.0, 1, 1, NAN],
        [999.0, NAN, NAN, 1],
        [20.0, 0, 1, 1],
    ]
)
ONE = TableSchema(features=(FeatureColumn(name="x", type="numeric"),))
TRAIN = torch.tensor([0, 1, 2, 3])


def test_every_column_is_encoded_as_its_type_wants() -> None:
    encoder = TableEncoder.fitted(SCHEMA, RAW, TRAIN)
    assert encoder.names == (
        "age",
        "age is missing",
        "bit",
        "ill",
        "ill is missing",
        "colour = red",
        "colour = blue",
        "colour = other",
        "colour is missing",
    )
    assert encoder.n_features == 9
    step = 20 / torch.tensor([10.0, 30, 50]).std(correction=0).item()
    expected = [
        [-step, 0, 1, 0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 1, 0, 1, 0, 0],
        [0, 1, 0, 1, 0, 0, 0, 1, 0],
        [step, 0, 1, 1, 0, 0, 0, 0, 1],
        [10, 0, 0, 0, 1, 0, 1, 0, 0],
        [-step / 2, 0, 0, 1, 0, 0, 1, 0, 0],
    ]
    assert_close(encoder(RAW), torch.tensor(expected))


def test_rows_beside_the_training_rows_do_not_count() -> None:
    other = RAW.clone()
    other[4] = -RAW[4]
    assert_close(
        TableEncoder.fitted(SCHEMA, RAW, TRAIN).state_dict(),
        TableEncoder.fitted(SCHEMA, other, TRAIN).state_dict(),
    )


def test_no_indicator_and_no_other_where_training_has_none() -> None:
    encoder = TableEncoder.fitted(SCHEMA, RAW, torch.tensor([0, 5]))
    assert encoder.names == ("age", "bit", "ill", "colour = red", "colour = blue")
    assert_close(encoder(RAW[2:4])[:, 3:], torch.zeros(2, 2))


def test_a_column_of_one_value_in_training_says_nothing_elsewhere() -> None:
    encoder = TableEncoder.fitted(SCHEMA, RAW, torch.tensor([0, 3]))
    assert encoder.names == (
        "age",
        "ill",
        "colour = red",
        "colour = blue",
        "colour is missing",
    )


@pytest.mark.parametrize("value", [INF, -INF, 3e38, -3e38, NAN, 1e-45])
def test_the_encoded_row_is_finite_whatever_comes(value: float) -> None:
    encoder = TableEncoder.fitted(SCHEMA, RAW, TRAIN)
    encoded = encoder(torch.full((3, 4), value))
    assert encoded.dtype == torch.float32
    assert encoded.abs().max() <= 10


@pytest.mark.parametrize(
    ("low", "step"),
    [
        (0.0, 1e-300),
        (0.0, 1e-7),
        (1e-300, 1e-302),
        (-1.0, 1e-9),
        (1.7e9, 2.0**-10),
        (9e15, 1.0),
        (-9e299, 9e299),
        (9e299, 1e290),
    ],
)
def test_numbers_are_told_apart_wherever_they_lie(low: float, step: float) -> None:
    raw = torch.tensor([[low], [low + step], [low + 2 * step]], dtype=torch.float64)
    encoded = TableEncoder.fitted(ONE, raw, torch.arange(3))(raw)
    assert_close(encoded[:, 0], 1.5**0.5 * torch.tensor([-1.0, 0, 1]), atol=1e-5, rtol=0)


def test_a_column_without_any_training_value_is_an_indicator_only() -> None:
    encoder = TableEncoder.fitted(ONE, torch.tensor([[NAN], [NAN]]), torch.arange(2))
    assert_close(encoder(torch.tensor([[NAN], [3.0]])), torch.tensor([[1.0], [0.0]]))


def test_an_empty_encoder_takes_the_state_of_another() -> None:
    encoder = TableEncoder.fitted(SCHEMA, RAW, TRAIN)
    schema = TableSchema.model_validate_json(SCHEMA.model_dump_json())
    rebuilt = TableEncoder(schema, encoder.n_features)
    rebuilt.load_state_dict(encoder.state_dict(), strict=True)
    assert_close(rebuilt(RAW), encoder(RAW), rtol=0, atol=0)
    assert rebuilt.names == encoder.names


def test_a_row_encodes_alike_alone_and_among_others() -> None:
    encoder = TableEncoder.fitted(SCHEMA, RAW, TRAIN)
    together = encoder(RAW)
    assert_close(torch.cat([encoder(row[None]) for row in RAW]), together, rtol=0, atol=0)
    assert encoder(RAW[:0]).shape == (0, 9)


def test_the_encoder_can_be_exported() -> None:
    encoder = TableEncoder.fitted(SCHEMA, RAW, TRAIN)
    dynamic = {"raw": {0: torch.export.Dim("batch")}}
    program = torch.export.export(encoder, (RAW,), dynamic_shapes=dynamic)
    assert_close(program.module()(RAW[:3]), encoder(RAW[:3]))


@pytest.mark.parametrize("n_features", [0, -1, 13, 2**70])
def test_more_columns_than_there_can_be_are_refused_before_they_are_made(n_features: int) -> None:
    with pytest.raises(InputError, match="`n_features` must be from 1 to 10"):
        TableEncoder(SCHEMA, n_features)


@pytest.mark.boundary
def test_a_matrix_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="a column for each of the 4 features"):
        TableEncoder.fitted(SCHEMA, RAW[:, :2], TRAIN)
    with pytest.raises(InputError, match="at least one row"):
        TableEncoder.fitted(SCHEMA, RAW, TRAIN[:0])
