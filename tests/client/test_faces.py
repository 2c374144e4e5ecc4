"""The two faces have the same names; importing them is light; what is dropped is cancelled."""

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.aio.client import AsyncClient, AsyncCompletion
from elman.aio.document import AsyncDocument
from elman.errors import AllowMoreTime, MendRequest, PickAnotherModel
from elman.sync.client import Client, Completion
from elman.sync.document import Document

PAIRS = [(Client, AsyncClient), (Completion, AsyncCompletion), (Document, AsyncDocument)]


def names(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize(("synchronous", "asynchronous"), PAIRS)
def test_both_faces_have_the_same_names(synchronous: type, asynchronous: type) -> None:
    assert names(synchronous) == names(asynchronous)


FUNCTIONS = [
    (one, other, name)
    for one, other in PAIRS
    for name in sorted(names(one))
    if not isinstance(inspect.getattr_static(one, name), property)
]


@pytest.mark.parametrize(("synchronous", "asynchronous", "name"), FUNCTIONS)
def test_both_faces_have_the_same_parameters(synchronous: type, asynchronous: type, name: str) -> None:
    one, other = (inspect.signature(getattr(face, name)) for face in (synchronous, asynchronous))
    assert [(each.name, each.kind, each.default) for each in one.parameters.values()] == [
        (each.name, each.kind, each.default) for each in other.parameters.values()
    ]


def test_every_name_of_all_is_there_and_no_other() -> None:
    assert sorted(elman.__all__) == elman.__all__ == dir(elman)
    assert all(getattr(elman, name) is not None for name in elman.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = elman.nothing


def imported_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after the code."""
    program = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_importing_elman_imports_neither_torch_nor_numpy_nor_grpc() -> None:
    assert not imported_by("import elman") & {"torch", "numpy", "grpc", "google", "elman_server", "elman_models"}


def test_the_client_needs_grpc_and_protobuf_alone() -> None:
    imported = imported_by("import elman; elman.Client('127.0.0.1:1').close(), elman.AsyncClient, elman.ElmanError, elman.open")
    assert "grpc" in imported
    assert "grpc" not in imported_by("import elman; elman.Client, elman.AsyncClient, elman.open")
    assert not imported & {"torch", "numpy", "safetensors", "elman_server", "elman_models"}


def test_completing_against_a_server_imports_neither_torch_nor_numpy(scripted: Any) -> None:
    call = f"from elman.cli.main import main; main(['complete', '--server', {scripted.address!r}, 'ab'])"
    assert not imported_by(call) & {"torch", "numpy", "safetensors", "elman_server", "elman_models"}


def test_help_imports_no_grpc() -> None:
    call = "from elman.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert not imported_by(call) & {"torch", "numpy", "grpc", "google", "elman_server", "elman_models"}


def test_a_dropped_completion_is_cancelled(scripted: Any, client: Client) -> None:
    scripted.pause_after = 2
    completion = client.complete("ab")
    next(completion)
    del completion
    assert scripted.is_gone.wait(10)


def test_a_closed_completion_is_cancelled_and_keeps_what_was_received(scripted: Any, client: Client) -> None:
    scripted.pause_after = 2
    with client.complete("ab") as completion:
        piece = next(completion)
    assert scripted.is_gone.wait(10)
    assert completion.text == str(piece) == piece.text
    assert completion.finish_reason is None


async def test_a_dropped_asynchronous_completion_is_cancelled(scripted: Any) -> None:
    scripted.pause_after = 2
    async with AsyncClient(scripted.address) as client:
        completion = client.complete("ab")
        await anext(completion)
        del completion
        await client.models()
        assert scripted.is_gone.wait(10)


async def test_a_closed_asynchronous_completion_is_cancelled(scripted: Any) -> None:
    scripted.pause_after = 2
    async with AsyncClient(scripted.address) as client:
        async with client.complete("ab") as completion:
            await anext(completion)
        await client.models()
        assert scripted.is_gone.wait(10)


def test_nothing_is_sent_before_the_first_piece_is_asked_for(scripted: Any, client: Client) -> None:
    completion = client.complete("ab")
    with pytest.raises(RuntimeError, match="iterate"):
        _ = completion.text
    completion.close()
    assert scripted.requests == []


def test_pieces_carry_alternative_position_and_log_probabilities(client: Client) -> None:
    pieces = list(client.complete("ab", max_characters=3, alternatives=2, include_log_probabilities=True))
    places = sorted((piece.alternative, piece.position) for piece in pieces)
    assert places == [(0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4)]
    assert all(len(piece.log_probabilities) == len(piece.text) for piece in pieces)


def test_the_engine_in_this_process_has_the_same_face(artifact: Path, client: Client) -> None:
    with elman.open(str(artifact), device="cpu") as embedded:
        here = embedded.complete("a bad ", seed=3, alternatives=2, max_characters=9)
        here.read()
        there = client.complete("a bad ", seed=3, alternatives=2, max_characters=9)
        there.read()
        assert [each.state for each in here.alternatives] == [each.state for each in there.alternatives]
        assert embedded.score("a bad ") == client.score("a bad ")
        with pytest.raises(MendRequest, match="temperature: "):
            embedded.complete("a", temperature=-1).read()
        with pytest.raises(PickAnotherModel, match="is not served"):
            embedded.complete("a", model="nobody").read()


def test_a_timeout_ends_a_completion_or_a_score_in_this_process_while_the_text_is_read(artifact: Path) -> None:
    with elman.open(str(artifact), device="cpu") as embedded:
        for _ in range(2):  # what was given up leaves the engine free
            with pytest.raises(AllowMoreTime):
                embedded.score("a bad cab " * 20_000, timeout=1e-6)
            with pytest.raises(AllowMoreTime):
                embedded.complete("a bad cab " * 20_000, timeout=1e-6).read()
        assert embedded.score("a bad cab", timeout=60).characters == 9


def test_a_stream_that_its_deadline_removed_is_no_sign_of_a_missing_server(
    scripted: Any, client: Client, break_at: Any
) -> None:
    scripted.breaks = [break_at(0, details="Stream removed (Deadline Exceeded)")]
    with pytest.raises(AllowMoreTime, match=r"^the timeout has passed before 127"):
        client.complete("a", timeout=60).read()


@pytest.mark.parametrize("seconds", [1e-6, 0.01, 0.02])
async def test_a_timeout_is_a_timeout_wherever_it_falls(seconds: float) -> None:
    nobody = "127.0.0.1:1"
    with Client(nobody) as client:
        with pytest.raises(AllowMoreTime):
            client.complete("a", timeout=seconds).read()
        with pytest.raises(AllowMoreTime):
            client.score("a", timeout=seconds)
        with pytest.raises(AllowMoreTime):
            client.models(timeout=seconds)
        with client.document("a") as document, pytest.raises(AllowMoreTime):
            list(document.suggestions(timeout=seconds))
    async with AsyncClient(nobody) as client:
        with pytest.raises(AllowMoreTime):
            await client.complete("a", timeout=seconds).read()
        with pytest.raises(AllowMoreTime):
            await client.score("a", timeout=seconds)
        with pytest.raises(AllowMoreTime):
            await client.models(timeout=seconds)
        async with client.document("a") as document:
            with pytest.raises(AllowMoreTime):
                async for _ in document.suggestions(timeout=seconds):
                    pass


def test_opening_no_model_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(PickAnotherModel, match="shipped"):
        elman.open("nobody")
    with pytest.raises(PickAnotherModel, match="no file"):
        elman.open(str(tmp_path / "no.safetensors"))
