import pytest

from ramify.records import Difference, RunRecord
from ramify.report import verdict

from ._records import record, stages_of
from ._situations import RECORDS, TOX21, TOX21_TREE

TREE = stages_of(TOX21, TOX21_TREE)


@pytest.mark.parametrize("situation", RECORDS)
def test_is_one_line_of_printable_text(situation: str) -> None:
    said = verdict(RECORDS[situation]())
    assert said.isprintable()
    assert said.endswith(".")
    assert len(said) < 3000


def test_claims_a_gain_only_if_the_interval_lies_above_0() -> None:
    said = verdict(record(TOX21, TREE, gain=0.017, half_width=0.013))
    assert said.startswith(
        "Sharing helped: mean ROC-AUC .782 against .765 for one network per task"
    )
    assert "(paired 95 % interval +.004 to +.030), with 33 % of the parameters." in said


def test_admits_a_loss() -> None:
    said = verdict(record(TOX21, TREE, gain=-0.02, half_width=0.01))
    assert said.startswith("Sharing did not help: mean ROC-AUC")
    assert "(paired 95 % interval −.030 to −.010)" in said  # noqa: RUF001


def test_says_what_cannot_be_told() -> None:
    said = verdict(record(TOX21, TREE, gain=0.002, half_width=0.01))
    assert said.startswith("Whether sharing helped cannot be told from these test rows")
    assert "which contains 0" in said
    assert "Sharing helped" not in said


def test_without_an_interval_nothing_is_claimed() -> None:
    said = verdict(record(TOX21, TREE, half_width=None))
    assert said.startswith("Whether sharing helped is uncertain")
    assert "no interval could be computed" in said


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (0.02, "The tree beats one shared network: the tree's mean ROC-AUC is .782 against .762"),
        (-0.02, "One shared network does better than the tree"),
        (0.001, "The tree and one shared network cannot be told apart"),
    ],
)
def test_speaks_of_the_shared_network(gain: float, words: str) -> None:
    assert words in verdict(record(TOX21, TREE, against_shared=gain))


def test_is_silent_about_what_was_not_trained() -> None:
    said = verdict(record(TOX21, TREE, baselines=("single_task",)))
    assert "shared network" not in said
    assert "random" not in said
    assert "network per task" not in verdict(record(TOX21, TREE, baselines=("shared",)))


def test_without_any_baseline_it_says_so_and_gives_the_score() -> None:
    said = verdict(RECORDS["no_baselines"]())
    assert "cannot say whether sharing helped; mean ROC-AUC over 12 tasks is .782." in said


def test_one_shared_group_is_not_compared_with_itself() -> None:
    stages = [[list(TOX21)]] * 3
    said = verdict(record(TOX21, stages, against_shared=0.0, baselines=("single_task", "shared")))
    assert "All 12 tasks share everything." in said
    assert "one shared network" not in said


def test_separate_tasks_are_named_as_such() -> None:
    stages = [[[name] for name in TOX21]] * 2
    assert "No two tasks share a stage." in verdict(record(TOX21, stages))


def test_one_task_has_nothing_to_share() -> None:
    said = verdict(RECORDS["one"]())
    assert (
        said == "There is one task, toxic, so there is nothing to share; its test ROC-AUC is .809."
    )


def test_small_groups_are_named() -> None:
    said = verdict(record(["a", "b", "c"], [[["a", "b", "c"]], [["a", "b"], ["c"]]]))
    assert "All 3 tasks share stage 1 of 2; a shares with b to the top" in said


def _with_differences(ends: dict[str, tuple[float, float]]) -> RunRecord:
    made = record(TOX21, TREE)
    found = [
        Difference(task=name, value=(low + high) / 2, low=low, high=high, clear=low * high > 0)
        for name, (low, high) in ends.items()
    ]
    single = made.baselines["single_task"].model_copy(update={"differences": found})
    return made.model_copy(update={"baselines": {"single_task": single}})


def test_names_the_tasks_that_clearly_lost_and_no_others() -> None:
    made = _with_differences(
        {"NR-AR": (-0.03, -0.01), "NR-ER": (-0.03, 0.01), "SR-ARE": (0.1, 0.2)}
    )
    said = verdict(made)
    assert "1 task clearly lost: NR-AR." in said
    assert "NR-ER." not in said
    assert "No task clearly lost" in verdict(_with_differences({"NR-ER": (-0.03, 0.01)}))


def test_after_one_training_each_nothing_is_claimed_of_ways_of_sharing() -> None:
    made = record(TOX21, TREE)
    once = {
        name: baseline.model_copy(
            update={
                "mean_difference": baseline.mean_difference.model_copy(update={"clear": None}),
                "differences": [d.model_copy(update={"clear": None}) for d in baseline.differences],
            }
        )
        for name, baseline in made.baselines.items()
    }
    said = verdict(made.model_copy(update={"baselines": once}))
    assert said.startswith("Whether sharing helps cannot be told from one training of each network")
    assert "over the test rows for these two" in said
    assert "clearly" not in said


def test_mixed_metrics_are_a_mean_skill_and_no_mean_is_made_up() -> None:
    said = verdict(RECORDS["mixed"]())
    assert "mean skill (ROC-AUC, accuracy, R²) is .017 higher than for one network per task" in said
    assert " against ." not in said


def test_absent_scores_are_counted_and_named() -> None:
    assert "1 task has no test score: SR-HSE." in verdict(RECORDS["twelve"]())
    assert verdict(RECORDS["all_absent"]()).startswith("Whether sharing helped cannot be said")


def test_names_that_are_not_one_word_stand_in_quotation_marks() -> None:
    said = verdict(record(["a b", "c\nd", "e"], [[["a b", "c\nd"], ["e"]]]))
    assert "“a b” shares with “c\\nd” to the top" in said
