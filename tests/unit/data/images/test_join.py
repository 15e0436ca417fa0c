from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from numpy.testing import assert_array_equal
from torch.testing import assert_close

from ramify._core import InputError, ShapeError
from ramify.data import (
    ColumnSplit,
    ImageData,
    ImageReading,
    ImageRows,
    JointSplit,
    infer_labels,
    joined,
    open_table,
    read_targets,
    split_rows,
    with_soft_labels,
)
from ramify.losses import TaskLosses
from ramify.tasks import Binary, Regression, Task, TaskSet


def faces(n: int = 12) -> ImageData:
    sides = ["train", "train", "validation", "test"]
    frame = pl.DataFrame(
        {
            "smiling": [i % 2 for i in range(n)],
            "hair": [("black", "fair", "red")[i % 3] for i in range(n)],
            "split": [sides[i % 4] for i in range(n)],
            "notes": ["x"] * n,
        }
    )
    images = ImageRows([np.full((n, 3, 6, 6), 10, dtype=np.uint8)])
    return ImageData(
        open_table(frame), images, ("smiling", "hair"), ColumnSplit("split"), ("one left out",)
    )


def clothes(n: int = 30) -> ImageData:
    frame = pl.DataFrame({"dress": [i % 5 == 0 for i in range(n)], "split": [0.5] * n})
    images = ImageRows([np.full((n, 1, 9, 4), 200, dtype=np.uint8)])
    return ImageData(open_table(frame), images, ("dress",))


def both() -> ImageData:
    return joined({"faces": faces(), "clothes": clothes()}, ImageReading())


def test_rows_of_one_set_have_no_labels_of_the_other() -> None:
    data = both()
    assert data.targets == data.table.columns == ("smiling", "hair", "dress")
    tasks = infer_labels(data.table, data.targets).tasks
    targets, label_mask = read_targets(data.table, tasks)
    assert label_mask[:12].tolist() == [[True, True, False]] * 12
    assert label_mask[12:].tolist() == [[False, False, True]] * 30
    assert_array_equal(targets[:12, 0], np.arange(12) % 2)
    assert_array_equal(targets[12:, 2], np.arange(30) % 5 == 0)
    assert data.notes == ("faces: one left out",)


def test_images_are_brought_to_one_size_and_to_colour() -> None:
    data = both()
    assert data.images.shape == (42, 3, 6, 6)
    pixels = data.images.take(np.array([0, 11, 12, 41]))
    assert pixels[:, :, 0, 0].tolist() == [[10] * 3, [10] * 3, [200] * 3, [200] * 3]
    other = joined({"a": faces(), "b": clothes()}, ImageReading((4, 3), channels=1))
    assert other.images.shape == (42, 1, 4, 3)


def test_kinds_that_a_set_knows_of_its_targets_are_kept() -> None:
    known = replace(faces(), kinds={"hair": "multiclass", "notes": "regression"})
    assert joined({"a": known, "b": clothes()}, ImageReading()).kinds == {"hair": "multiclass"}


def test_targets_of_one_name_are_kept_apart() -> None:
    known = replace(faces(), kinds={"hair": "multiclass"})
    data = joined({"a": known, "b": known, "clothes": clothes()}, ImageReading())
    assert data.targets == ("a.smiling", "a.hair", "b.smiling", "b.hair", "dress")
    assert data.kinds == {"a.hair": "multiclass", "b.hair": "multiclass"}
    _, label_mask = read_targets(data.table, infer_labels(data.table, data.targets).tasks)
    assert label_mask[[0, 12, 24]].tolist() == [
        [True, True, False, False, False],
        [False, False, True, True, False],
        [False, False, False, False, True],
    ]
    assert data.notes[-1] == (
        "targets of one name in several data sets are kept apart: "
        "'a.smiling', 'a.hair', 'b.smiling', 'b.hair'"
    )


def test_a_new_name_that_another_target_has_is_refused() -> None:
    frame = pl.DataFrame({"a.hair": [0, 1] * 6})
    third = ImageData(open_table(frame), faces().images, ("a.hair",))
    with pytest.raises(InputError, match=r"different names\. Got 'a\.hair' repeatedly"):
        joined({"a": faces(), "b": faces(), "c": third}, ImageReading())


def test_each_set_keeps_its_own_split() -> None:
    data = both()
    assert isinstance(data.split, JointSplit)
    mask = np.ones((42, 1), dtype=np.bool_)
    mask[[0, 20]] = False
    split = split_rows(data.split, data.table, mask, seed=0)
    assert split.validation[split.validation < 12].tolist() == [2, 6, 10]
    assert split.test[split.test < 12].tolist() == [3, 7, 11]
    assert len(split.validation) == len(split.test) == 3 + 3
    every = np.concatenate([split.train, split.validation, split.test])
    assert_array_equal(np.sort(every), np.setdiff1d(np.arange(42), [0, 20]))
    assert split.description == "faces by column 'split'; clothes at random, stratified by labels"
    assert repr(data.split) == (
        "JointSplit(names=('faces', 'clothes'), "
        "rules=(ColumnSplit(name='split'), RandomSplit(train=0.8, validation=0.1)))"
    )


def test_sets_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(InputError, match=r"at least two data sets\. Got 1"):
        joined({"faces": faces()}, ImageReading())
    bare = ImageData(faces().table, faces().images)
    with pytest.raises(InputError, match=r"must say its targets\. 'bare' do not"):
        joined({"faces": faces(), "bare": bare}, ImageReading())


@pytest.mark.boundary
def test_a_table_must_have_a_row_per_image() -> None:
    with pytest.raises(ShapeError, match="Got 12 rows and 30 images"):
        ImageData(faces().table, clothes().images)


def test_selected_rows_stay_together() -> None:
    rows = np.array([1, 5, 6])
    some = faces().select(rows)
    tasks = infer_labels(faces().table, ["smiling"]).tasks
    assert_array_equal(read_targets(some.table, tasks)[0][:, 0], rows % 2)
    assert len(some.images) == 3


TASKS = TaskSet([Task("a", Binary()), Task("b", Binary()), Task("size", Regression())])
NAN = float("nan")


def test_soft_labels_fill_what_is_missing_and_nothing_else() -> None:
    targets = np.array([[1, 0, 5], [0, 1, 0], [0, 0, 0]], dtype=np.float32)
    label_mask = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=np.bool_)
    soft = np.array([[0.2, 0.3, NAN], [0.9, 0.1, NAN], [NAN, 0.5, NAN]], dtype=np.float32)
    found, mask = with_soft_labels(TASKS, targets, label_mask, soft)
    assert_array_equal(mask, [[True, True, True], [True, True, False], [False, True, False]])
    expected = np.array([[1, 0.3, 5], [0.9, 1, 0], [0, 0.5, 0]], dtype=np.float32)
    assert_array_equal(found, expected)


def test_the_loss_takes_soft_labels_as_they_are_and_the_margin_cuts_them() -> None:
    losses = TaskLosses(TaskSet([Task("a", Binary())]))
    outputs, soft = torch.tensor([[0.4], [0.4], [-1.0]]), torch.tensor([[0.7], [0.3], [0.5]])
    p = torch.sigmoid(outputs)
    expected = -(soft * p.log() + (1 - soft) * (1 - p).log()).mean(0)
    every = torch.ones(3, 1, dtype=torch.bool)
    assert_close(losses(outputs, soft, every), expected)
    margins, _ = losses.margins(outputs, soft, every)
    assert_close(margins, torch.cat([1 - p[:1], p[1:2], 1 - p[2:]]))


def test_soft_labels_that_make_no_sense_are_refused() -> None:
    targets, label_mask = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.bool_)
    nothing = np.full((2, 3), NAN, dtype=np.float32)
    for value in (1.5, -0.1, float("inf")):
        soft = nothing.copy()
        soft[0, 1] = value
        with pytest.raises(InputError, match=r"soft labels must be from 0 to 1\. Got"):
            with_soft_labels(TASKS, targets, label_mask, soft)
    soft = nothing.copy()
    soft[1, 2] = 0.5
    with pytest.raises(InputError, match=r"must be of binary tasks\. 'size' are of another kind"):
        with_soft_labels(TASKS, targets, label_mask, soft)


@pytest.mark.boundary
def test_soft_labels_must_have_the_shape_of_the_targets() -> None:
    targets, label_mask = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.bool_)
    with pytest.raises(ShapeError, match="must be of one shape"):
        with_soft_labels(TASKS, targets, label_mask, np.zeros((1, 3), np.float32))
