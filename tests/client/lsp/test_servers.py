"""`elman lsp --server`: servers that die, are slow, lack a model, or are of another version. Typing never waits for them."""

import asyncio
import shutil
import socket
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from lsprotocol import types

from elman.languages import PROSE
from elman_models.law.artifact import Model, save
from elman_server.config import ServerConfig
from elman_server.security.limits import Limits
from elman_server.security.tokens import new_token
from elman_server.server import Server

from .conftest import INVOKED, Editor, Start, items_of

TEXT = "a bad cab, a fed bed\na bad c"


@asynccontextmanager
async def serving(artifact: Path, name: str = PROSE, port: int = 0, tokens: str | None = None) -> AsyncGenerator[Server]:
    """A real server with a small model under a name."""
    leaving: dict[str, Any] = {"drain_notice_seconds": 0, "grace_seconds": 0}
    config = ServerConfig((f"{name}={artifact}",), port=port, metrics_port=0, rows=4, tokens=tokens, **leaving)
    server = Server(config)
    await server.start()
    yield server
    server.leave()
    await server.until_stopped()


def open_text(editor: Editor) -> None:
    """A text that the small model continues."""
    editor.open(TEXT, uri="file:///texts/cabs.txt", language="plaintext")


async def ghosts_of(editor: Editor) -> list[str]:
    """What is suggested for the text, in the end: after a failure it is asked again only after a while."""
    ghosts = await editor.ghosts(INVOKED)
    async with asyncio.timeout(60):
        while not ghosts:
            await asyncio.sleep(0.05)
            ghosts = await editor.ghosts(INVOKED)
    return ghosts


async def test_a_server_suggests_what_the_engine_here_does(start: Start, artifact: Path) -> None:
    async with serving(artifact) as server:
        there = await start("--server", f"127.0.0.1:{server.port},localhost:{server.port}")
        here = await start(settings={"models": {"*.txt": str(artifact)}})
        for editor in there, here:
            open_text(editor)
            editor.type("a")
        assert await ghosts_of(there) == await ghosts_of(here)
        status = await there.status()
        assert (status.state, status.model) == ("ready", PROSE)


async def test_two_editors_on_one_file_each_get_what_belongs_to_their_own_text(start: Start, artifact: Path) -> None:
    async with serving(artifact) as server:
        alone, one, other = [await start("--server", f"127.0.0.1:{server.port}") for _ in range(3)]
        typed = {one: "b a", other: "fed"}
        expected: dict[Editor, list[list[str]]] = {editor: [] for editor in typed}
        for editor, text in typed.items():
            open_text(alone)
            for character in text:
                alone.type(character)
                expected[editor].append(await alone.ghosts(INVOKED))
        found: dict[Editor, list[list[str]]] = {editor: [] for editor in typed}
        for editor in typed:
            open_text(editor)
        for at in range(3):  # in turns, and neither has saved
            for editor, text in typed.items():
                editor.type(text[at])
                found[editor].append(await editor.ghosts(INVOKED))
        assert found == expected
        assert found[one] != found[other]
        other.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(other.uri)))
        assert await other.ghosts(INVOKED) == []
        assert await one.ghosts(INVOKED) == expected[one][-1] != []


async def test_a_server_that_dies_is_told_once_and_typing_goes_on_until_it_is_back(start: Start, artifact: Path) -> None:
    async with serving(artifact) as server:
        editor = await start(settings={"server": [f"127.0.0.1:{server.port}"]})
        open_text(editor)
        expected = await ghosts_of(editor)
        port = server.port
    with editor.at_once():
        asked = editor.send_question(INVOKED)
        editor.type("a")  # answers what was asked
    assert items_of(await asked) == []
    assert await editor.ghosts() == []
    assert (await editor.status()).state == "failed"
    assert editor.statuses.get_nowait().state == "failed"
    editor.delete()
    assert await editor.ghosts(INVOKED) == []
    async with serving(artifact, port=port), asyncio.timeout(60):
        assert (await editor.statuses.get()).state == "ready"  # though nobody asked
        assert await editor.ghosts(INVOKED) == expected
        assert (await editor.status()).state == "ready"
    assert len(editor.shown) == 1
    assert not editor.logged
    assert editor.shown[0].startswith("elman: nothing is suggested: no completion service at 127.0.0.1:")


async def test_a_server_that_dies_is_told_to_who_types_on_and_gives_up_each_question_with_the_next_key(
    start: Start, artifact: Path
) -> None:
    async with serving(artifact) as server:
        editor = await start("--server", f"127.0.0.1:{server.port}")
        open_text(editor)
        assert await ghosts_of(editor)
    asked: list[Any] = []
    async with asyncio.timeout(60):
        while not editor.shown:
            editor.type("a")
            asked.append(editor.send_question())
            await asyncio.sleep(0.02)
    for one in asked:
        assert items_of(await one) == []


async def test_a_server_that_says_nothing_keeps_nobody(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        editor = await start("--server", f"127.0.0.1:{silent.getsockname()[1]}")
        open_text(editor)
        asked = [editor.send_question(INVOKED)]
        for character in "ab, a f":
            editor.type(character)
            asked.append(editor.send_question())
        for one in asked[:-1]:
            assert items_of(await one) == []
        assert (await editor.status()).shown == 0


async def test_where_a_server_lacks_the_model_the_one_for_unknown_texts_suggests(start: Start, artifact: Path) -> None:
    async with serving(artifact, "cabs") as server:
        editor = await start("--server", f"127.0.0.1:{server.port}", settings={"model": "cabs"})
        open_text(editor)
        assert await ghosts_of(editor)
        assert (await editor.status()).model == "cabs"
        other = await start("--server", f"127.0.0.1:{server.port}")
        open_text(other)
        assert await other.ghosts(INVOKED) == []
        status = await other.status()
        assert (status.state, status.model) == ("no model", "")
        assert status.message.startswith("no model for prose")
        assert "there are: cabs" in status.message
        other.type("a")
        assert await other.ghosts(INVOKED) == []
        named = await start("--server", f"127.0.0.1:{server.port}", settings={"models": {"prose": "mine"}})
        open_text(named)
        assert await named.ghosts(INVOKED) == []
        assert (await named.status()).state == "failed"
        assert [len(each.shown) for each in (editor, other, named)] == [0, 0, 1]  # told to whoever named one
        assert "'mine' is not served" in named.shown[0]


async def test_a_server_of_another_version_is_told_once(start: Start) -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        editor = await start("--server", f"127.0.0.1:{port}")
        open_text(editor)
        for character in "ab, a f":
            editor.type(character)
            assert await editor.ghosts(INVOKED) == []
        assert len(editor.shown) == 1
        assert (await editor.status()).state == "failed"
    finally:
        server.stop(0)


async def test_a_model_that_is_not_there_is_told_once(start: Start, tmp_path: Path) -> None:
    damaged = tmp_path / "mine.safetensors"
    damaged.write_bytes(b"no model")
    editor = await start(settings={"models": {"*.txt": str(damaged), "*.md": "nobody"}})
    open_text(editor)
    for character in "ab":
        editor.type(character)
        assert await editor.ghosts(INVOKED) == []
    assert len(editor.shown) == 1
    assert "mine.safetensors" in editor.shown[0]
    assert (await editor.status()).state == "failed"
    editor.open(TEXT, uri="file:///texts/cabs.md", language="markdown")
    assert await editor.ghosts(INVOKED) == []
    assert "nobody" in (await editor.status()).message


async def test_an_address_that_leads_nowhere_is_told(start: Start) -> None:
    editor = await start(settings={"server": ["no such host:1"]})
    open_text(editor)
    assert await editor.ghosts(INVOKED) == []
    assert len(editor.shown) == 1


@pytest.mark.parametrize("address", ["", "127.0.0.1:99999"])
async def test_what_is_no_address_is_told_and_the_engine_here_goes_on(start: Start, address: str) -> None:
    editor = await start(settings={"server": [address]})
    open_text(editor)
    assert await editor.ghosts(INVOKED)
    (told,) = editor.shown
    assert told.startswith("elman: ")
    assert "allowed: " in told


async def test_a_token_is_for_the_servers_beside_which_it_was_configured(start: Start, artifact: Path, tmp_path: Path) -> None:
    """An editor's settings, which a folder of somebody else's may hold, name other servers: they do not learn it."""
    token, line = new_token("alice", Limits())
    (tmp_path / "tokens").write_text(f"{line}\n")
    (tmp_path / "token").write_text(token)
    async with serving(artifact, tokens=str(tmp_path / "tokens")) as server:
        address = f"127.0.0.1:{server.port}"
        trusted = await start("--server", address, "--token-file", str(tmp_path / "token"))
        other = await start("--token-file", str(tmp_path / "token"), settings={"server": [address]})
        for editor in trusted, other:
            open_text(editor)
            editor.type("a")
        assert await ghosts_of(trusted)
        assert await other.ghosts(INVOKED) == []
        assert "no token" in (await other.status()).message


async def test_a_model_that_was_trained_anew_is_taken_up_and_what_is_no_model_is_not(
    start: Start, artifact: Path, make_model: Callable[..., Model], tmp_path: Path
) -> None:
    path, new = tmp_path / "own.safetensors", make_model(seed=3)
    shutil.copy(artifact, path)
    editor = await start(settings={"models": {"*.txt": str(path)}})
    open_text(editor)
    editor.type("a")
    assert await editor.ghosts(INVOKED)
    old = (await editor.status()).modelDigest
    for write, digest in ((write_no_model, old), (partial(save, new), new.digest)):
        write(path)
        editor.type("b")
        assert await editor.ghosts(INVOKED)
        status = await editor.status()
        assert (status.modelDigest, status.state) == (digest, "ready")
    assert not editor.shown


def write_no_model(path: Path) -> None:
    path.write_bytes(b"no model")
