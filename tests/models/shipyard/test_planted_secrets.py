"""Secrets that stand in a project's files are not in the text that models learn from, and no model gives them back."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from prose import QUICK
from sample_packages import keep, project_of

from elman.cli.main import main
from elman_models.shipyard import written_text
from elman_models.shipyard.make import Source, make
from elman_models.shipyard.texts import DividedText
from elman_models.shipyard.written_text import read_text
from elman_models.sources.projects import Project

SECRETS = {
    "a token of GitHub": ('const hub = "{}";', "ghp_x7Kq2mVd9RtY4bNw8LzC3pHs6JfG1aQe5UoT"),
    "a key of Amazon": ('const amazon = "{}";', "AKIAQ7ZK3XWV5TRM2NPD"),
    "the secret beside it": ('aws_secret_access_key = "{}"', "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"),
    "a token of Slack": ('const slack = "{}";', "xoxb-482910375566-739201846655-kQ7vXr2LmNp9TzWs4YbHc8Jd"),
    "a web token": (
        'const web = "{}";',
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzExIn0.kq9X2vLmT7RzWp4NsYbHc8JdQeUo1aGfVtK3xM5wZ6E",
    ),
    "a password": ('const password = "{}";', "Tr0ub4dor&3-xylophone"),
    "a password in an address": ('const at = "postgres://admin:{}@db.local/x";', "s3cr3t-Pa55-kqz"),
    "somebody's address": ("// Written by {} in a hurry", "mary.watson-hale@brightwater.org"),
    "a key of somebody's": ('api_key: "{}",', "9f8e7d6c5b4a39281706f5e4d3c2b1a0"),
    "a private key": (
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
        "MIIEowIBAAKCAQEAx9qKz7Lm2VtRw8Y" * 2,
    ),
}
"""What each is, the line that it stands in, and it itself."""


def lines_of(number: int) -> str:
    """A file of code with all of the secrets, each among other lines."""
    code = (f"export const value{number}{at} = read(value{at}, {number});" for at in range(len(SECRETS)))
    planted = (line.format(secret) for line, secret in SECRETS.values())
    return "".join(f"{one}\n{other}\n" for one, other in zip(code, planted, strict=True))


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DividedText:
    """What is made of a project of such files, and of two that are held out."""
    held_out = {"unseen": {"a.js": lines_of(20)}, "validation": {"a.js": lines_of(21)}}
    projects = [keep(tmp_path, project_of(part, part=part), files) for part, files in held_out.items()]
    projects.append(keep(tmp_path, project_of("p"), {f"{number}.js": lines_of(number) for number in range(12)}))

    def projects_of(name: str) -> list[Project]:
        return projects

    monkeypatch.setattr(written_text, "projects_of", projects_of)
    return read_text("javascript", tmp_path)


def given_back(parts: DividedText, folder: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """How many of the lines with secrets `elman audit` finds in a model that is made of these parts."""
    recipe = replace(QUICK, hidden_size=96, epochs=16, dropout=0.0, restarts=0.5)
    make(Source(lambda: parts, "a text", "MIT"), recipe, folder / "model.safetensors", "cpu", resume=False)
    (folder / "planted.txt").write_text("".join(f"{line.format(secret)}\n" for line, secret in SECRETS.values()))
    capsys.readouterr()
    assert main(["audit", str(folder / "model.safetensors"), str(folder / "planted.txt"), "--json"]) == 0
    return len(json.loads(capsys.readouterr().out)["given_back"])


def test_no_secret_is_in_the_text_and_the_lines_around_them_are(parts: DividedText) -> None:
    whole = "\n".join(parts.training.values())
    assert {what for what, (_, secret) in SECRETS.items() if secret in whole} == set()
    assert all(f"value3{at} = " in whole for at in range(len(SECRETS)))


@pytest.mark.timeout(600)  # two models are trained: some seconds each on a core of one's own
def test_a_model_gives_none_back_that_would_if_they_were_left_in(
    parts: DividedText, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left_in = {f"p/{number}.js": lines_of(number) for number in range(12)}
    as_they_are = DividedText(left_in, {"a.js": lines_of(20)}, {"a.js": lines_of(21)})
    assert given_back(as_they_are, tmp_path, capsys) > len(SECRETS) / 2
    assert given_back(parts, tmp_path, capsys) == 0
