import pytest

from ramify._core import InputError
from ramify.data import resolve_columns, split_names

COLUMNS = ["smiles", "NR-AR", "SR-p53", "NR-ER", "NR-*", "[x]", "x" * 10_000]


def test_a_glob_gives_the_order_of_the_table_and_names_their_own() -> None:
    assert resolve_columns(COLUMNS, ["SR-*", "NR-ER", "NR-A?"]) == ["SR-p53", "NR-ER", "NR-AR"]


def test_a_column_named_like_a_glob_is_found_as_such() -> None:
    assert resolve_columns(COLUMNS, ["NR-*", "[x]"]) == ["NR-*", "[x]"]


def test_a_glob_minds_the_case() -> None:
    with pytest.raises(InputError, match=r"`ignore` must match columns .* 'nr-A\*' matches none"):
        resolve_columns(COLUMNS, ["nr-A*"], "ignore")


def test_a_glob_adds_to_names_before_it() -> None:
    assert resolve_columns(COLUMNS, ["NR-ER", "NR-?R"]) == ["NR-ER", "NR-AR"]


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(InputError, match="no column 'NR-AT'; did you mean 'NR-AR'"):
        resolve_columns(COLUMNS, ["NR-AT"])
    with pytest.raises(InputError, match=r"it has 'smiles', 'NR-AR', .* and 2 more"):
        resolve_columns(COLUMNS, ["weight"])


def test_a_repeated_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"`targets` must name each column once\. Got 'NR-AR'"):
        resolve_columns(COLUMNS, ["NR-AR", "smiles", "NR-AR"])


def test_hostile_names_give_one_short_line() -> None:
    for name in ("y" * 10_000, "a\nb", "<script>"):
        with pytest.raises(InputError) as caught:
            resolve_columns(COLUMNS, [name])
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500


def test_names_are_split_at_commas_outside_quotes() -> None:
    assert split_names(' a, b ,"c,d","e""f",') == ["a", "b", "c,d", 'e"f']
    assert split_names("") == []
    with pytest.raises(InputError, match="separated by commas"):
        split_names('"a,b')


def test_numbers_name_the_columns_of_a_numbered_dataframe() -> None:
    assert resolve_columns(["0", "1", "2"], [2, 0]) == ["2", "0"]  # type: ignore[list-item]
