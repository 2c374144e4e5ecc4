"""Languages whose models do not come with the engine: nothing is suggested in them, and the status says why."""

from pathlib import Path
from shutil import copy

import pytest

from elman.lsp.encodings import Encoding
from elman.lsp.engines import EngineHere
from elman.lsp.open_text import Position
from elman.lsp.preferences import Preferences
from elman.lsp.service import Question, Service
from elman.lsp.troubles import Troubles
from elman_models.shipped import shipped_models

GO = "file:///texts/main.go"


class Person:
    """Is told nothing."""

    def show(self, message: str) -> None:
        raise AssertionError(message)

    def log(self, message: str) -> None:
        raise AssertionError(message)

    def tell_status(self) -> None:
        pass


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where models are that come with the engine: `python` alone."""
    copy(shipped_models()["python"], tmp_path)
    monkeypatch.setattr("elman_models.shipped.FOLDER", tmp_path)
    return tmp_path


async def suggested(service: Service) -> bool:
    """Whether anything is for a text of Go, loaded before it is asked or not."""
    service.encoding = Encoding.UTF_16
    service.open(GO, "go", 1, "import sys\nimport os\nimport sy")
    await service.prepare(GO)
    return bool(await service.ask(Question(GO, Position(2, 9), is_invoked=True)))


@pytest.mark.usefixtures("shipped")
async def test_nothing_is_suggested_and_the_status_says_what_there_is_and_how_to_get_one() -> None:
    service = Service(Preferences(), lambda _: EngineHere(), Troubles(Person(), lambda: 0.0))
    assert not await suggested(service)
    status = service.status()
    assert (status["state"], status["model"]) == ("no model", "")
    assert status["message"].startswith("no model for Go; elman train FOLDER -o go.safetensors makes one (")
    assert status["message"].endswith("shipped: python)")
    await service.end()


@pytest.mark.usefixtures("shipped")
async def test_the_model_for_unknown_texts_takes_its_place() -> None:
    service = Service(Preferences(model="python"), lambda _: EngineHere(), Troubles(Person(), lambda: 0.0))
    assert await suggested(service)
    assert (service.status()["state"], service.status()["model"]) == ("ready", "python")
    await service.end()


async def test_it_suggests_once_it_is_there(shipped: Path) -> None:
    copy(shipped / "python.safetensors", shipped / "go.safetensors")
    service = Service(Preferences(), lambda _: EngineHere(), Troubles(Person(), lambda: 0.0))
    assert await suggested(service)
    assert service.status()["model"] == "go"
    await service.end()


@pytest.mark.parametrize("values", [{"model": "~/mine.safetensors"}, {"models": {"*.go": "~/mine.safetensors"}}])
async def test_a_model_in_ones_home_is_found_there(
    values: dict[str, object], shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(shipped / "python.safetensors", tmp_path / "mine.safetensors")
    monkeypatch.setenv("HOME", str(tmp_path))
    preferences, problems = Preferences().with_values(values, Preferences())
    service = Service(preferences, lambda _: EngineHere(), Troubles(Person(), lambda: 0.0))
    assert await suggested(service)
    assert not problems
    await service.end()
