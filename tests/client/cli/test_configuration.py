"""What is configured: the file, the environment, which comes first, and what is said of a value that is wrong."""

import json
import re
from argparse import Namespace
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from elman.cli.configuration import ENGINE, OF_ONE_TEXT, SETTINGS, TYPE_FIELDS, Configuration, EngineSettings, path_of
from elman.cli.engine import engine_of
from elman.cli.main import main
from elman.cli.type import Choice, choose
from elman.credentials import Credentials
from elman.editor.text_file import TextFile
from elman.errors import MendRequest
from elman.languages import KINDS
from elman.protocol.fields import COMPLETE_FIELDS, WHOLE_WORDS
from elman.sync.client import Client

README = Path(__file__).parents[3] / "README.md"


def written(folder: Path, text: str | bytes) -> dict[str, str]:
    """An environment that names a file which holds the text."""
    path = folder / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return {"ELMAN_CONFIG": str(path)}


def test_the_environment_comes_before_the_file_and_that_before_the_default(tmp_path: Path) -> None:
    environment = written(tmp_path, 'model = "shakespeare"\ntimeout = 2\n[type]\nmax_characters = 20\nstop = "."\n')
    found = Configuration.read(
        environment | {"ELMAN_MODEL": "python", "ELMAN_SERVER": "a, b:1", "ELMAN_TYPE_MIN_CONFIDENCE": "0.2"}
    )
    file = f"file {tmp_path / 'config.toml'}"
    assert found.values["model"] == ("python", "environment ELMAN_MODEL")
    assert found.values["server"] == (("a", "b:1"), "environment ELMAN_SERVER")
    assert found.values["timeout"] == (2, file)
    assert found.of_command("type", TYPE_FIELDS) == {
        each.name: each.default for each in TYPE_FIELDS if each.name not in OF_ONE_TEXT
    } | {"max_characters": 20, "stop": (".",), "min_confidence": 0.2}
    assert found.values["complete.max_characters"] == (256, "default")


def test_a_flag_comes_before_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ELMAN_CONFIG", written(tmp_path, "[complete]\nmax_characters = 3\n")["ELMAN_CONFIG"])
    monkeypatch.setenv("ELMAN_MODEL", "nobody")
    assert main(["complete", "--model", "python", "--seed", "1", "It was "]) == 0
    assert len(capsys.readouterr().out) == 3
    assert main(["complete", "--model", "python", "--max-characters", "5", "It was "]) == 0
    assert len(capsys.readouterr().out) == 5
    assert main(["complete", "It was "]) == 3
    assert capsys.readouterr().err.startswith("elman: error: environment ELMAN_MODEL: model: 'nobody' is neither")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("type.temperature = 20", "type.temperature: 20 is out of range; allowed: 0, or 0.05 to 10"),
        ("type.temperature = 0.01", "type.temperature: 0.01 is out of range; allowed: 0, or 0.05 to 10"),
        ("complete.top_k = true", "complete.top_k: True is out of range; allowed: 0 to 4294967295, whole"),
        ("complete.top_p = '1'", "complete.top_p: '1' is out of range; allowed: above 0, at most 1"),
        ("complete.stop = ['a', 1]", "complete.stop: ['a', 1] is out of range; allowed: a list of texts"),
        ("timeout = nan", "timeout: nan is out of range; allowed: above 0 seconds, or none"),
        ("model = 3", "model: 3 is out of range; allowed: text"),
        ("models.'*.py' = 3", "models.*.py: 3 is out of range; allowed: text"),
        ("type = 3", "type: 3 is out of range; allowed: a table, which begins with [type]"),
        ("colour = 3", "colour: no such key; allowed: model, server, timeout, tls, certificate_authority, "),
        ("type.seed = 3", "type.seed: no such key; allowed: type.temperature, "),
        ("serve.port = 3", "serve.port: no such key; allowed: model, "),
        ("model", "no TOML: Expected '=' after a key"),
        (b"model = '\xff'", "byte 0xff at offset 9 is not UTF-8"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name_key_value_and_range(text: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(MendRequest) as refused:
        Configuration.read(written(tmp_path, text))
    assert str(refused.value).startswith(f"{tmp_path / 'config.toml'}: {words}")


def test_nothing_is_configured_by_an_empty_file_or_none(tmp_path: Path) -> None:
    for environment in (written(tmp_path, "\ufeff"), {"ELMAN_CONFIG": ""}, {"XDG_CONFIG_HOME": str(tmp_path / "none")}):
        found = Configuration.read(environment)
        assert {each.source for each in found.values.values()} == {"default"}
        assert not found.models


def test_a_file_that_was_named_must_be_one(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "Is a directory"), (tmp_path / "none", "No such file or directory")):
        with pytest.raises(MendRequest, match=f"^ELMAN_CONFIG: {path}: {words}$"):
            Configuration.read({"ELMAN_CONFIG": str(path)})


def test_where_the_file_is() -> None:
    assert path_of({"XDG_CONFIG_HOME": "/x"}) == Path("/x/elman/config.toml")
    assert path_of({"XDG_CONFIG_HOME": "relative"}) == Path("~/.config/elman/config.toml").expanduser()
    assert path_of({"ELMAN_CONFIG": "a.toml", "XDG_CONFIG_HOME": "/x"}) == Path("a.toml")


def test_a_models_path_begins_at_the_files_folder(tmp_path: Path) -> None:
    text = 'model = "notes.safetensors"\n[models]\n"*.a" = "python"\n"*.b" = "~/x/y"\n"*.c" = "own=sub/z"\n'
    found = Configuration.read(written(tmp_path, text))
    home = str(Path("~/x/y").expanduser())
    assert found.values["model"].value == f"{tmp_path}/notes.safetensors"
    assert [each.value for each in found.models.values()] == ["python", home, f"own={tmp_path}/sub/z"]


def test_the_readmes_file_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    found = Configuration.read(written(tmp_path, example))
    assert found.values["type.whole_words"].value is True
    assert found.models["*.tex"].value == str(Path("~/thesis.safetensors").expanduser())


def test_what_a_file_may_say_is_what_the_engine_allows(client: Client) -> None:
    refused: dict[str, Any] = {
        "temperature": 20,
        "top_k": -1,
        "top_p": 0.0,
        "min_p": 2,
        "max_characters": 0,
        "alternatives": 17,
    }
    for name, value in refused.items():
        with pytest.raises(MendRequest) as by_engine:
            client.complete("a", **{name: value}).read()
        assert str(by_engine.value).endswith(f"allowed: {SETTINGS[f'complete.{name}'].allowed}"), name


@pytest.mark.parametrize(
    ("name", "flag", "configured", "expected"),
    [
        ("a.py", None, None, Choice("python")),
        ("a.py", None, "own", Choice("python", "own")),  # which a server is asked for if it lacks python
        ("a.py", "flag", "own", Choice("flag")),
        ("a.tex", None, "own", Choice("thesis", "own")),
        ("a.zig", None, "own", Choice("own", "own")),
        ("a.zig", "flag", None, Choice("flag")),
        (".envrc", None, "own", Choice(None, silence=".envrc may hold secrets: nothing is suggested")),
        ("secrets.txt", None, "own", Choice(None, silence="secrets.txt may hold secrets: nothing is suggested")),
        (".envrc", "flag", "own", Choice("flag")),
        ("a.zig", None, None, Choice(None, silence="no model fits a.zig: nothing is suggested")),
        (None, None, None, Choice(None)),  # the default
        (None, None, "own", Choice("own")),
    ],
)
def test_the_model_of_a_file(
    name: str | None, flag: str | None, configured: str | None, expected: Choice, tmp_path: Path
) -> None:
    environment = written(tmp_path, '[models]\n"*.tex" = "thesis"\n')
    configuration = Configuration.read(environment | ({"ELMAN_MODEL": configured} if configured else {}))
    arguments = Namespace(model=flag)
    file = TextFile.read(tmp_path / name) if name else None
    assert choose(arguments, file, configuration, engine_of(arguments, configuration)) == expected


def test_where_the_model_of_a_file_did_not_come_with_the_engine_the_configured_one_is_asked_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("elman_models.shipped.FOLDER", tmp_path)
    file = TextFile.read(tmp_path / "a.go")

    def chosen(**environment: str) -> Choice:
        configuration = Configuration.read({"ELMAN_CONFIG": "", **environment})
        arguments = Namespace(model=None)
        return choose(arguments, file, configuration, engine_of(arguments, configuration))

    assert chosen() == Choice(None, silence="no model fits a.go: nothing is suggested")
    assert "no model for Go; elman train FOLDER -o go.safetensors makes one" in capsys.readouterr().err
    assert chosen(ELMAN_MODEL="own") == Choice("own", "own")
    assert chosen(ELMAN_SERVER="127.0.0.1:1") == Choice("go")  # it may have one
    (tmp_path / "go.safetensors").touch()
    assert chosen() == Choice("go")


def test_config_shows_what_holds_and_where_it_comes_from_beside_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '[models]\n"*.tex" = "thesis"\n[type]\nstop = ["\\n", "\\""]\ntop_p = 7\n'
    monkeypatch.setenv("ELMAN_CONFIG", written(tmp_path, text)["ELMAN_CONFIG"])
    monkeypatch.setenv("ELMAN_MODEL", "python")
    assert main(["config"]) == 2
    output, errors = capsys.readouterr()
    rows = {cells[0]: cells[1:] for cells in (line.split("  ", 1) for line in output.splitlines()) if len(cells) == 2}
    file = f"file {tmp_path / 'config.toml'}"
    assert output.startswith(f"configuration file: {tmp_path / 'config.toml'}\n")
    assert rows["model"][0].split("  ")[-1].strip() == "environment ELMAN_MODEL"
    assert rows["models.*.tex"][0].split() == ['"thesis"', *file.split()]
    assert '["\\n", "\\""]' in rows["type.stop"][0]
    assert rows["type.top_p"][0].split() == ["1", "default"]
    assert errors == f"elman: error: {tmp_path / 'config.toml'}: type.top_p: 7 is out of range; allowed: above 0, at most 1\n"
    assert main(["config", "--json"]) == 2
    shown = json.loads(capsys.readouterr().out)
    assert shown["values"].keys() == {*SETTINGS, *(f"models.{kind}" for kind in KINDS), "models.*.tex"}
    assert shown["values"]["model"] == {"value": "python", "source": "environment ELMAN_MODEL"}
    assert len(shown["problems"]) == 1


def test_every_setting_of_an_engine_and_every_field_that_is_no_texts_own_can_be_configured() -> None:
    of_engines = {each.name for kind in (EngineSettings, Credentials) for each in fields(kind)} - {"credentials"}
    assert ENGINE.keys() == of_engines <= SETTINGS.keys()
    for command, known in (("complete", (*COMPLETE_FIELDS, WHOLE_WORDS)), ("type", TYPE_FIELDS)):
        keys = {f"{command}.{each.name}" for each in known if each.name not in OF_ONE_TEXT}
        assert {key for key in SETTINGS if key.startswith(f"{command}.")} == keys


def test_a_record_of_the_configured_model_is_replayed_by_it(
    artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELMAN_MODEL", str(artifact))
    monkeypatch.setenv("ELMAN_COMPLETE_TEMPERATURE", "0.5")
    assert main(["complete", "--json", "--max-characters", "9", "a bad "]) == 0
    record = tmp_path / "record.json"
    record.write_text(capsys.readouterr().out)
    monkeypatch.delenv("ELMAN_COMPLETE_TEMPERATURE")
    assert json.loads(record.read_text())["request"]["temperature"] == 0.5
    assert main(["complete", "--replay", str(record)]) == 0
    assert capsys.readouterr().out == json.loads(record.read_text())["text"]
