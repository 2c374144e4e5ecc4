"""What a client shows and whom it tells a token: files, targets, and the way from flags and a configuration to a server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from elman.addresses import is_here, targets
from elman.allowed import LONGEST_TOKEN
from elman.cli.configuration import Configuration
from elman.cli.main import main
from elman.credentials import Credentials
from elman.errors import ElmanError, LogIn, MendRequest
from elman.sync.client import Client
from elman_server.security.tokens import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "elman_geheim"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    return path


@pytest.mark.parametrize("held", [SECRET, f"{SECRET}\n", f" \n{SECRET}\r\n\n", "a" * LONGEST_TOKEN])
def test_a_file_holds_one_token_whatever_is_around_it(token_file: Path, held: str) -> None:
    token_file.write_text(held)
    assert Credentials(token_file=str(token_file)).metadata() == (("authorization", f"Bearer {held.strip()}"),)


@pytest.mark.parametrize(
    "held", [b"", b"\n", b"geheim geheim", b"geheim\ngeheim", b"geheim\xff", "geheimé".encode(), b"geheim\x00", b"geheim" * 100]
)
def test_a_file_of_no_token_or_several_is_refused_without_a_word_of_it(token_file: Path, held: bytes) -> None:
    token_file.write_bytes(held)
    with pytest.raises(
        MendRequest, match=r"^token_file: .* a file of one token: 1 to 512 characters without spaces$"
    ) as caught:
        Credentials(token_file=str(token_file)).metadata()
    assert "geheim" not in str(caught.value)


def test_a_token_that_is_renewed_is_read_again(token_file: Path) -> None:
    credentials = Credentials(token_file=str(token_file))
    token_file.write_text("another")
    assert credentials.metadata() == (("authorization", "Bearer another"),)
    token_file.unlink()
    with pytest.raises(MendRequest, match=r"token_file: .*No such file or directory"):
        credentials.metadata()


HERE = [
    *("localhost", "127.0.0.1:1", "127.9.9.9", "::1", "[::1]:7", "unix:socket", "unix:///run/elman", "dns:///localhost:1"),
    *("dns:localhost", "ipv4:127.0.0.1:1,127.0.0.2:2", "ipv6:[::1]:1"),
]
ELSEWHERE = [
    *("10.0.0.1", "example.org:1", "localhost.example.org", "dns:///elman:1", "dns://localhost/elman", "0.0.0.0", "[::2]:1"),
    *("ipv4:127.0.0.1:1,10.0.0.1:1", "xds:///localhost", "unix-abstract:elman", "dns://127.0.0.1/127.0.0.1"),
]


@pytest.mark.parametrize("address", HERE)
def test_a_token_is_told_this_machine_in_plain_text(address: str, token_file: Path) -> None:
    (target,) = targets(address)
    assert is_here(target)
    Client(address, credentials=Credentials(token_file=str(token_file))).close()


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_token_is_told_no_other_in_plain_text(address: str, token_file: Path) -> None:
    (target,) = targets(address)
    assert not is_here(target)
    with pytest.raises(MendRequest, match=f"would travel in plain text to {re.escape(target)}; allowed: with --tls"):
        Client(["localhost", address], credentials=Credentials(token_file=str(token_file)))
    Client(address, credentials=Credentials(token_file=str(token_file), tls=True)).close()


def test_credentials_show_no_token(token_file: Path) -> None:
    assert "geheim" not in repr(Credentials(token_file=str(token_file)))


def test_files_of_a_configuration_are_looked_for_from_its_folder_on(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('tls = true\ntoken_file = "token"\ncertificate_authority = "/etc/ca.pem"\nclient_key = "~/key.pem"\n')
    found = Configuration.read({"ELMAN_CONFIG": str(path), "ELMAN_CLIENT_CERTIFICATE": "own.pem"})
    values = {name: found.values[name].value for name in ("tls", "token_file", "certificate_authority", "client_certificate")}
    assert values == {
        "tls": True,
        "token_file": str(tmp_path / "token"),
        "certificate_authority": "/etc/ca.pem",
        "client_certificate": "own.pem",
    }
    assert found.values["client_key"].value == str(Path.home() / "key.pem")


def test_flags_that_do_not_go_together_are_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--server", "localhost", "--client-key", "a"]) == MendRequest.exit_code
    assert "client_certificate: None is out of range" in capsys.readouterr().err


def test_a_token_is_made_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tokens = tmp_path / "tokens"
    assert main(["token", "alice", "--tokens", str(tokens), "--calls-per-second", "2.5"]) == 0
    assert main(["token", "--tokens", str(tokens), "bob"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert tokens.stat().st_mode & 0o777 == 0o600
    made = list(lines_of(tokens.read_bytes()))
    assert [(line.name, line.limits.calls_per_second) for line in made] == [("alice", 2.5), ("bob", None)]
    assert all(token.startswith("elman_") and token not in tokens.read_text() for token in said.out.split())
    assert main(["token", "carol"]) == 0
    said = capsys.readouterr()
    assert said.out.strip() not in said.err
    assert next(lines_of(said.err.splitlines()[-1].encode())).name == "carol"
    assert main(["token", "a b"]) == MendRequest.exit_code
    assert main(["token", "a", "--concurrent-calls", "0"]) == MendRequest.exit_code
    assert capsys.readouterr().err.splitlines()[-1].startswith("elman: error: --concurrent-calls: 0 is out of range")


@pytest.fixture
def ask(tmp_path: Path, artifact: Path, authority: Any) -> Callable[..., Any]:
    """Asks a server that speaks TLS and wants a token, by the command line: the exit code."""
    from asyncio import run, to_thread

    from elman_server.config import ServerConfig
    from elman_server.server import Server

    certificate, key = authority.issue("localhost")
    tokens = tmp_path / "tokens"

    async def answered(arguments: list[str]) -> int:
        models = (f"tiny={artifact}",)
        shown: dict[str, Any] = {"tls_certificate": str(certificate), "tls_key": str(key), "tokens": str(tokens)}
        config = ServerConfig(
            models, "localhost", 0, metrics=False, reflection=False, rows=4, drain_notice_seconds=0, grace_seconds=0, **shown
        )
        server = Server(config)
        await server.start()
        try:
            return await to_thread(main, [*arguments, "--server", f"localhost:{server.port}"])
        finally:
            server.leave()
            await server.until_stopped()

    return lambda *arguments: run(answered(list(arguments)))


def test_the_command_line_reaches_a_server_that_is_secured(
    ask: Callable[..., int], authority: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["token", "alice", "--tokens", str(tmp_path / "tokens")]) == 0
    token = tmp_path / "token"
    token.write_text(capsys.readouterr().out)
    trusting = f"--certificate-authority={authority.certificate}"
    assert ask("complete", "--max-characters=3", "a bad", trusting, f"--token-file={token}") == 0
    assert len(capsys.readouterr().out) == 3
    monkeypatch.setenv("ELMAN_CERTIFICATE_AUTHORITY", str(authority.certificate))
    assert ask("score", "a bad") == LogIn.exit_code
    assert "name the file of a token with --token-file" in capsys.readouterr().err
    monkeypatch.setenv("ELMAN_TOKEN_FILE", str(token))
    assert ask("models") == 0


def test_log_in_is_among_the_errors_that_are_raised_on_purpose() -> None:
    assert issubclass(LogIn, ElmanError)
    assert not LogIn.may_be_retried
