"""The plain forms of characters: one character for one, and none that depends on the version of Python."""

import hashlib

import pytest

from elman.plain import characters_with_plain_forms, plain_form, plain_forms


@pytest.mark.parametrize(
    ("character", "forms"),
    [
        ("’", "'"),
        ("“", "\"'”’"),
        ("—", "-"),
        ("…", "."),
        ("\t", " "),
        ("\u00a0", " "),
        ("é", "e"),
        ("ấ", "âa"),
        ("ø", "o"),
        ("ǿ", "øo"),
        ("ё", "е"),
        ("ᾷ", "ᾶα"),
        ("ﬁ", "f"),
        ("！", "!"),
        ("•", "*-"),
        ("'", "’"),
        ("e", ""),
        ("日", ""),
        ("が", ""),
        ("☂", ""),
        ("€", ""),
        ("\u0301", ""),
        ("\ufeff", ""),
        ("\r", ""),
    ],
)
def test_a_character_has_its_plain_forms_the_nearest_first(character: str, forms: str) -> None:
    assert "".join(plain_forms(character)) == forms
    assert plain_form(character, forms) == forms[:1]
    assert plain_form(character, forms[-1:]) == forms[-1:]
    assert plain_form(character, "☃") == ""


def test_the_list_is_the_same_with_every_python() -> None:
    characters = characters_with_plain_forms()
    listed = "\n".join(each + "".join(plain_forms(each)) for each in characters)
    assert len(characters) == 1039
    assert hashlib.sha256(listed.encode()).hexdigest() == "3c33499e88ebad3f3e5a45b5144bbeb91a8d3b13df52761dc508751f430dd0e6"
