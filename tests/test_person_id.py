import pytest

from agent.person_id import check_person_id


@pytest.mark.parametrize("text", ["a", "7", "anna", "Anna.Smith-2_b", "x" * 64])
def test_these_name_a_person(text):
    assert check_person_id(text) == text


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "-a", "_a", " a", "a ", "a b", "a/b", "a+b", "#", "anna\n", "änna", "x" * 65, "a\0", "\u0661"],
)
def test_these_do_not(text):
    with pytest.raises(ValueError, match="is not a person id: want 1 to 64"):
        check_person_id(text)
