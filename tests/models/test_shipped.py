"""What a person names as a model is looked for where the name says."""

import re
from pathlib import Path

import pytest

from elman.languages import KINDS
from elman_models.errors import ArtifactError
from elman_models.shipped import find, shipped_models


def test_a_path_is_one_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("b.safetensors").touch()
    assert find("a=b.safetensors") == ("a", Path("b.safetensors"))
    assert find("./b.safetensors") == ("b", Path("b.safetensors"))


def test_a_file_s_own_name_may_have_an_equals_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rate=0.2.safetensors").touch()
    assert find("rate=0.2.safetensors") == ("rate=0.2", Path("rate=0.2.safetensors"))
    assert find("a=rate=0.2.safetensors") == ("a", Path("rate=0.2.safetensors"))


@pytest.mark.parametrize("argument", ["a=c.safetensors", "c.safetensors", "./c.safetensors"])
def test_where_no_file_is_the_whole_path_is_named(argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match=f"no file at {re.escape(str(tmp_path))}/c.safetensors; .* -o c.safetensors$"):
        find(argument)
    Path("c.safetensors").mkdir()
    with pytest.raises(ArtifactError, match=f"{re.escape(str(tmp_path))}/c.safetensors is a folder, not a model file"):
        find(argument)


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.safetensors").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find("~/mine.safetensors") == ("mine", tmp_path / "mine.safetensors")
    assert find("own=~/mine.safetensors") == ("own", tmp_path / "mine.safetensors")


def test_every_kind_of_text_has_a_model_that_comes_with_elman() -> None:
    assert {kind.model for kind in KINDS.values()} <= set(shipped_models())


def test_none_has_more_than_4_mb_and_all_together_no_more_than_24() -> None:
    sizes = [path.stat().st_size for path in shipped_models().values()]
    assert max(sizes) <= 4_000_000
    assert sum(sizes) <= 24_000_000
