"""Predictions for units: which of them there are, and whose they are."""

import numpy as np
import torch
from tests.toy_tokens import LONGEST, MIXED_UNITS, backbone, batches, held_out, part, rows
from torch.testing import assert_close

from ramify.sharing import HardSharing
from ramify.training import Trainer, Training

FITTED = Trainer(Training(epochs=1)).fit(
    HardSharing(), backbone(), MIXED_UNITS, batches(MIXED_UNITS), held_out(MIXED_UNITS)
)


def test_every_real_unit_is_predicted_and_knows_its_row() -> None:
    found = rows(MIXED_UNITS, 48, seed=9)
    predictions = Trainer().predict(FITTED.network, held_out(MIXED_UNITS))
    real = found["inputs"]["real"]
    assert predictions.n_rows == 48
    assert predictions.rows is not None
    assert len(predictions.values) == len(predictions.rows) == 48 + int(real.sum())
    counts = np.bincount(predictions.rows)
    assert counts.tolist() == (1 + real.sum(1)).tolist()
    # Two batches of 24 rows: first the rows of one, then its words.
    assert predictions.rows[:24].tolist() == list(range(24))
    with torch.no_grad():
        outputs = FITTED.network(found["inputs"])
    values = torch.from_numpy(predictions.values).float()
    assert_close(values[:24, 1], outputs[:24, 1].sigmoid())
    words = outputs[48:, 0].sigmoid().view(48, LONGEST)
    first = values[24 : 24 + int(real[:24].sum()), 0]
    assert_close(first, words[:24][real[:24]])


def test_only_labelled_units_score_alike() -> None:
    whole = Trainer().predict(FITTED.network, held_out(MIXED_UNITS))
    part_of = Trainer().predict(FITTED.network, held_out(MIXED_UNITS), only_labelled=True)
    assert len(part_of.values) < len(whole.values)
    assert part_of.n_rows == whole.n_rows
    scores, of_part = whole.scored(MIXED_UNITS), part_of.scored(MIXED_UNITS)
    np.testing.assert_allclose(scores.values, of_part.values)
    assert scores.influence.shape == (48, len(MIXED_UNITS))
    np.testing.assert_allclose(scores.influence, of_part.influence, atol=1e-7)


def test_batches_in_which_no_word_has_a_label_are_trained_on_and_scored() -> None:
    """As where one of two sets of sentences has labels of words, and the other of rows."""
    found = rows(MIXED_UNITS, 64)
    loader = []
    for i in range(4):
        given = part(found, slice(16 * i, 16 * i + 16))
        names = [["row", "number"], ["word", "class"]][i % 2]
        loader.append(
            {k: v if k == "inputs" else {n: v[n] for n in names} for k, v in given.items()}
        )
    fitted = Trainer(Training(epochs=2, learning_rate=0.01)).fit(
        HardSharing(), backbone(0.0), MIXED_UNITS, loader, loader
    )
    assert fitted.curve[-1].loss < fitted.curve[0].loss
    predictions = Trainer().predict(fitted.network, loader)
    assert not np.isnan(predictions.scores(MIXED_UNITS)).any()
