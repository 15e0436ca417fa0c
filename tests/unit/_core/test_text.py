from ramify._core import counted, listed, quoted


def test_a_name_is_quoted_on_one_printable_line() -> None:
    text = quoted("a\nb\t<script>'\"")
    assert "\n" not in text
    assert text.isprintable()


def test_a_very_long_name_is_shortened_and_its_length_told() -> None:
    text = quoted("x" * 10_000)
    assert len(text) < 100
    assert "10,000 characters" in text


def test_a_long_list_is_cut_and_the_rest_counted() -> None:
    assert listed("abc") == "'a', 'b', 'c'"
    assert listed("abcdefgh", most=2) == "'a', 'b' and 6 more"
    assert listed([]) == ""


def test_a_number_agrees_with_its_noun() -> None:
    assert [counted(n, "row") for n in (0, 1, 2, 1234)] == [
        "0 rows",
        "1 row",
        "2 rows",
        "1,234 rows",
    ]
