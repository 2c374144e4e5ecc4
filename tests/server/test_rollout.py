"""A model's file is replaced under calls and documents: nobody fails or gets a wrong character, and nothing stays."""

from __future__ import annotations

import asyncio
import gc
import shutil
import signal
import threading
import weakref
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest
from tests.server.test_draining import serving
from tests.server.test_watching import scrape, series

import elman
from elman.cli.status import row
from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.choice import open_execution
from elman_models.execution.reference import Reference
from elman_models.law.artifact import save, to_bytes
from elman_models.law.state import maker_of
from elman_models.law.structure import Layer, Structure
from elman_server import renewal, rollout
from elman_server.engine.engine import Engine
from elman_server.requests.catalogue import stamp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from tests.server.conftest import Client, Connect, Logged, Start, Until

    from elman_models.execution.protocol import Execution
    from elman_models.law.artifact import Model
    from elman_server.server import Server

DEADLINE_SECONDS = 30
FOR_EVER = 86400
"""A grace that is not over before the test is."""
LONG = 1 << 14
TYPED = "a bad cab fed"


class Models(NamedTuple):
    """The model that is served first, one of another vocabulary and structure, and one more."""

    old: Model
    new: Model
    newer: Model


@pytest.fixture(scope="session")
def models(make_model: Callable[..., Model]) -> Models:
    structure = Structure((Layer(24, (), True), Layer(16, (0,), True)), (0, 1))
    return Models(make_model(), make_model(structure, "\n !abcdefgé…😀xyz", 2), make_model(seed=3))


@pytest.fixture
def path(tmp_path: Path, models: Models) -> Path:
    """The file of the model, which holds the old one."""
    path = tmp_path / "one.safetensors"
    save(models.old, path)
    return path


@pytest.fixture
def serve(start: Start, path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[Server]]:
    """Starts a server of the file, which looks at it all the time, as at what was replaced: (**config)."""
    for module in (renewal, rollout):
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    return partial(start_with, start, path)


def start_with(start: Start, path: Path, **config: Any) -> Awaitable[Server]:
    return start(**{"models": (f"one={path}",), "grace_seconds": FOR_EVER, **config})


def wanted(characters: int = 30, **fields: Any) -> pb.CompleteRequest:
    given: dict[str, Any] = {"prefix": TYPED, "sampling": pb.Sampling(seed=3), "limits": pb.Limits(max_characters=characters)}
    return pb.CompleteRequest(**given | fields)


class Told(NamedTuple):
    """What a completion came to."""

    digest: str
    text: str
    state: bytes


def told(events: Sequence[pb.CompleteResponse]) -> Told:
    text = "".join(event.piece.text for event in events)
    return Told(events[0].started.model.digest, text, events[-1].finished.state)


@pytest.fixture
def alone(start: Start, connect: Connect, tmp_path: Path) -> Callable[..., Awaitable[Told]]:
    """What a model says where nothing happens: (model, request)."""

    async def say(model: Model, request: pb.CompleteRequest) -> Told:
        path = tmp_path / f"{model.digest}.safetensors"
        save(model, path)
        return told(await connect(await start(models=(f"one={path}",))).complete(request))

    return say


async def served(client: Client) -> list[str]:
    """The digests of the models that are listed."""
    return [one.model.digest for one in (await client.stub.ListModels(pb.ListModelsRequest())).models]


async def test_a_new_file_is_served_and_the_old_model_to_who_began_with_it(
    serve: Callable[..., Awaitable[Server]],
    path: Path,
    models: Models,
    connect: Connect,
    until: Until,
    alone: Any,
    logged: Logged,
) -> None:
    client = connect(await serve())
    first = told(await client.complete(wanted()))
    save(models.new, path)
    await until("model loaded")
    assert await served(client) == [models.new.digest]
    assert told(await client.complete(wanted())) == await alone(models.new, wanted())
    by_digest = wanted(model=pb.Model(digest=models.old.digest))
    by_name = wanted(model=pb.Model(name="one", digest=models.old.digest))
    by_state = wanted(state=first.state)
    scoring = await client.stub.Score(pb.ScoreRequest(text="bad", state=first.state))
    expected = [await alone(models.old, request) for request in (wanted(), wanted(), by_state)]
    assert [told(await client.complete(request)) for request in (by_digest, by_name, by_state)] == expected
    assert scoring.state
    refused = await client.refusal(wanted(model=pb.Model(digest=models.new.digest), state=first.state))
    assert refused.code() is grpc.StatusCode.FAILED_PRECONDITION
    (line,) = [line for line in logged() if line["event"] == "model loaded"]
    assert (line["model"], line["digest"], line["replaced"]) == ("one", models.new.digest, models.old.digest)


async def test_after_the_grace_an_old_state_and_an_old_digest_are_refused(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, connect: Connect, until: Until
) -> None:
    client = connect(await serve(grace_seconds=0))
    state = told(await client.complete(wanted())).state
    save(models.new, path)
    await until("model freed")
    for request in (wanted(state=state), wanted(model=pb.Model(digest=models.old.digest))):
        refused = await client.refusal(request)
        assert refused.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert models.old.digest[:32] in (refused.details() or "")
    with pytest.raises(grpc.aio.AioRpcError, match=r"send the text again from its start"):
        await client.stub.Score(pb.ScoreRequest(text="bad", state=state))


async def test_running_calls_end_on_the_model_that_they_began_with(
    serve: Callable[..., Awaitable[Server]],
    path: Path,
    models: Models,
    connect: Connect,
    until: Until,
    alone: Any,
    logged: Logged,
) -> None:
    server = await serve(grace_seconds=0)
    client = connect(server, ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 4096))
    request = wanted(LONG, include_log_probabilities=True)
    async with client.streaming(request) as call:
        reading = aiter(call)
        events = [await anext(reading)]
        await client.until(lambda: not server.statistics().busy_rows)  # it waits for its reader
        save(models.new, path)
        await until("model retired")
        assert told(await client.complete(wanted())) == await alone(models.new, wanted())
        assert not [line for line in logged() if line["event"] == "model freed"]
        events += [event async for event in reading]
    assert told(events) == await alone(models.old, request)
    await until("model freed")
    assert list(server.statistics().models) == [models.new.digest]


async def test_a_document_moves_to_the_new_model_and_loses_no_suggestion(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, until: Until, logged: Logged
) -> None:
    server = await serve(grace_seconds=0)
    given: list[str] = []
    async with (
        elman.AsyncClient(f"127.0.0.1:{server.port}") as client,
        client.document(TYPED, stop=[], min_confidence=0, max_characters=9) as document,
    ):
        for model in (models.old, models.new, models.newer, models.old):
            if model is not models.old or given:
                save(model, path)
                await until("model loaded", len(given) // 3)
                await until("model freed", len(given) // 3)
            for key in "abc":
                document.insert(key)
                *_, last = [one async for one in document.suggestions()]
                given.append(last.text)
                assert document.digest == model.digest
                assert last.text == await suggested(document.text, server)
    retired = [line["documents"] for line in logged() if line["event"] == "model retired"]
    assert retired == [1, 1, 1]


async def suggested(text: str, server: Server) -> str:
    """What a new client's document is suggested first."""
    async with (
        elman.AsyncClient(f"127.0.0.1:{server.port}") as client,
        client.document(text, stop=[], min_confidence=0, max_characters=9) as document,
    ):
        *_, last = [one async for one in document.suggestions()]
        return last.text


async def test_a_document_goes_on_with_the_old_model_within_the_grace_and_is_told_goodbye_after_it(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, connect: Connect, until: Until
) -> None:
    server = await serve()
    client = connect(server)
    call: Any = client.stub.Follow()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await call.write(pb.FollowRequest(revision=1, open=pb.Open(prefix=TYPED)))
            assert (await call.read()).started.model.digest == models.old.digest
            save(models.new, path)
            await until("model loaded")
            again = pb.Open(model=pb.Model(digest=models.old.digest), prefix=TYPED)
            await call.write(pb.FollowRequest(revision=2, open=again))
            while not (response := await call.read()).HasField("started"):
                pass
            assert response.started.model.digest == models.old.digest
            save(models.newer, path)  # at most one old model for each name takes calls
            await until("model retired")
            while not (response := await call.read()).HasField("goodbye"):
                pass
            assert response.goodbye.position == len(TYPED)
            with pytest.raises(grpc.aio.AioRpcError, match="another model has taken the place") as ended:
                await call.read()
            assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    finally:
        call.cancel()
    refused = await client.refusal(wanted(state=response.goodbye.state))
    assert refused.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert told(await client.complete(wanted(model=pb.Model(digest=models.new.digest)))).digest == models.new.digest


def truncated(path: Path, models: Models) -> None:
    path.write_bytes(to_bytes(models.new)[:-100])


def foreign(path: Path, models: Models) -> None:
    path.write_bytes(b"no model at all")


def of_another_version(path: Path, models: Models) -> None:
    path.write_bytes(to_bytes(models.new).replace(b'\\"semantics\\":2', b'\\"semantics\\":9'))


def tampered(path: Path, models: Models) -> None:
    data = bytearray(to_bytes(models.new))
    data[data.index(to_weights(models.new))] ^= 1
    path.write_bytes(data)


def to_weights(model: Model) -> bytes:
    """The first weights, as they stand in the file."""
    return model.layers[0].weight.tobytes()


def gone(path: Path, models: Models) -> None:
    path.unlink()


def a_folder(path: Path, models: Models) -> None:
    path.unlink()
    path.mkdir()


def mend(path: Path, models: Models) -> None:
    if path.is_dir():
        path.rmdir()
    save(models.new, path)


def link(path: Path, models: Models) -> None:
    """As Kubernetes does: a link `..data` to a folder."""
    for name, model in (("first", models.old), ("second", models.new)):
        (path.parent / name).mkdir()
        save(model, path.parent / name / "model")
    (path.parent / "..data").symlink_to("first")
    path.unlink()
    path.symlink_to("..data/model")


def link_to_another(path: Path) -> None:
    """A link to another folder takes its place."""
    (path.parent / "..data_tmp").symlink_to("second")
    (path.parent / "..data_tmp").rename(path.parent / "..data")
    shutil.rmtree(path.parent / "first")


BAD = {
    truncated: "not an elman model, or a damaged one",
    foreign: "not an elman model, or a damaged one",
    of_another_version: "semantics version 9 is not implemented",
    tampered: "digest: the content has",
    gone: "No such file",
    a_folder: "Is a directory",
}


@pytest.mark.parametrize("spoil", BAD)
async def test_what_is_no_model_leaves_the_old_one_which_is_told_once(
    serve: Callable[..., Awaitable[Server]],
    path: Path,
    models: Models,
    connect: Connect,
    until: Until,
    logged: Logged,
    spoil: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = 0

    def see(path: Path) -> bytes:
        nonlocal looks
        looks += 1
        return stamp(path)

    monkeypatch.setattr(rollout, "stamp", see)
    server = await serve()
    client = connect(server)
    spoil(path, models)
    await until("model kept")
    seen = looks
    await client.until(lambda: looks > seen + 5)
    (line,) = [line for line in logged() if line["event"] == "model kept"]
    assert (line["level"], line["model"]) == ("warning", "one")
    assert BAD[spoil] in line["reason"]
    assert await served(client) == [models.old.digest]
    assert told(await client.complete(wanted())).digest == models.old.digest
    assert (await scrape(server))[series("elman_model_kept", model="one")] == 1
    (status,) = (await client.stub.ListModels(pb.ListModelsRequest(include_status=True))).server.models
    assert status.is_kept
    mend(path, models)
    await until("model loaded")
    assert await served(client) == [models.new.digest]
    await client.until(lambda: not server.models[0].is_kept)
    assert (await scrape(server))[series("elman_model_kept", model="one")] == 0


async def test_a_model_that_is_pinned_is_not_replaced(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, connect: Connect, until: Until, logged: Logged
) -> None:
    client = connect(await serve(models=(f"one={path}@{models.old.digest}",)))
    save(models.new, path)
    await until("model kept")
    assert await served(client) == [models.old.digest]
    (line,) = [line for line in logged() if line["event"] == "model kept"]
    assert line["reason"] == f"model: {path} has the digest {models.new.digest}; allowed: {models.old.digest}"


async def test_a_file_that_holds_the_same_model_changes_nothing(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, until: Until, logged: Logged, connect: Connect
) -> None:
    server = await serve()
    save(replace(models.old, about={"recipe": "another"}), path)
    await until("model unchanged")
    assert not [line for line in logged() if line["event"] in ("model loaded", "model kept")]
    assert list(server.statistics().models) == [models.old.digest]
    assert await served(connect(server)) == [models.old.digest]


async def test_a_link_that_leads_elsewhere_is_followed(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, until: Until, connect: Connect
) -> None:
    link(path, models)
    client = connect(await serve())
    link_to_another(path)
    await until("model loaded")
    assert await served(client) == [models.new.digest]


async def test_a_model_that_comes_back_within_the_grace_is_the_one_that_was_left(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, until: Until, logged: Logged
) -> None:
    server = await serve(grace_seconds=1)
    async with (
        elman.AsyncClient(f"127.0.0.1:{server.port}") as client,
        client.document(TYPED, stop=[], min_confidence=0) as document,
    ):
        assert [one async for one in document.suggestions()]
        for times, model in enumerate((models.new, models.old), 1):
            save(model, path)
            await until("model loaded", times)
        await until("model freed")
        document.insert("a")
        assert [one async for one in document.suggestions()]
        assert document.digest == models.old.digest
    (retired,) = [line for line in logged() if line["event"] == "model retired"]
    assert (retired["digest"], retired["documents"]) == (models.new.digest, 0)


async def test_two_names_may_share_a_model_and_part(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, tmp_path: Path, until: Until, connect: Connect
) -> None:
    other = tmp_path / "other.safetensors"
    save(models.old, other)
    server = await serve(models=(f"one={path}", f"other={other}"), grace_seconds=0)
    client = connect(server)
    save(models.new, path)
    await until("model retired")
    assert await served(client) == [models.new.digest, models.old.digest]
    assert told(await client.complete(wanted(model=pb.Model(name="other")))).digest == models.old.digest
    await client.until(lambda: not server.models[-1].is_replaced)
    save(models.new, other)
    await until("model freed")
    assert list(server.statistics().models) == [models.new.digest]


async def test_calls_are_answered_while_a_model_is_loaded(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, connect: Connect, until: Until
) -> None:
    gate, is_loading = threading.Event(), threading.Event()

    def make(model: Model, rows: int, *_: object) -> Execution:
        if model.digest == models.new.digest:
            is_loading.set()
            gate.wait(DEADLINE_SECONDS)
        return open_execution(model, rows, "cpu")

    client = connect(await serve(make_execution=make))
    save(models.new, path)
    await client.until(is_loading.is_set)
    assert told(await client.complete(wanted())).digest == models.old.digest
    save(models.newer, path)  # replaced while it is loaded
    gate.set()
    await until("model loaded", 2)
    assert await served(client) == [models.newer.digest]


async def test_a_model_stays_on_the_device_of_the_old_one_and_only_the_engine_s_thread_uses_a_gpu(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, until: Until
) -> None:
    made: list[tuple[str, str, bool]] = []

    def make(model: Model, rows: int, device: str, *_: object) -> Execution:
        made.append((model.digest, device, threading.current_thread().name.startswith("engine")))
        execution = Reference(model, rows)
        execution.name = "cuda, as it were" if device in ("auto", "cuda") else "reference"
        return execution

    await serve(make_execution=make, rows=16)
    save(models.new, path)
    await until("model loaded")
    old, new = models.old.digest, models.new.digest
    assert made == [(old, "auto", False), (old, "cpu", False), (new, "cuda", True), (new, "cpu", True)]


async def test_a_model_for_which_there_is_no_room_is_tried_again_and_again(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, until: Until, connect: Connect
) -> None:
    left = 3

    def make(model: Model, rows: int, *_: object) -> Execution:
        nonlocal left
        if model.digest == models.new.digest and left:
            left -= 1
            raise MemoryError
        return open_execution(model, rows, "cpu")

    client = connect(await serve(make_execution=make))
    save(models.new, path)
    await until("model kept")
    await until("model loaded")
    assert await served(client) == [models.new.digest]


async def test_nothing_stays_of_models_that_were_replaced(
    serve: Callable[..., Awaitable[Server]],
    path: Path,
    models: Models,
    make_model: Callable[..., Model],
    until: Until,
    connect: Connect,
) -> None:
    """And what was counted stays counted."""
    made: list[weakref.ref[Model]] = []

    def make(model: Model, rows: int, *_: object) -> Execution:
        made.append(weakref.ref(model))
        return open_execution(model, rows, "cpu")

    server = await serve(make_execution=make, grace_seconds=0, rows=16)
    client = connect(server)
    steps = 0.0
    for times in range(1, 6):
        await client.complete(wanted())
        save(make_model(seed=10 + times), path)
        await until("model freed", times)
        found = await scrape(server)
        assert found["elman_row_steps_total"] > steps
        steps = found["elman_row_steps_total"]
    gc.collect()
    assert len({one.digest for reference in made if (one := reference())}) == 1
    assert len(server.statistics().models) == 1


async def test_metrics_and_the_status_tell_of_both_models_while_there_are_two(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, connect: Connect, until: Until
) -> None:
    server = await serve(rows=16)
    client = connect(server)
    before = await scrape(server)
    save(models.new, path)
    await until("model loaded")
    during = await scrape(server)
    infos = [name for name in during if name.startswith("elman_model_info")]
    assert len(infos) == 1
    assert models.new.digest in infos[0]
    assert (before["elman_models_replaced"], during["elman_models_replaced"]) == (0, 1)
    free = series("elman_rows", model="one", state="free")
    assert (before[free], during[free]) == (16, 32)
    new, old = (await client.stub.ListModels(pb.ListModelsRequest(include_status=True))).server.models
    assert (new.model.digest, new.is_replaced, old.model.digest, old.is_replaced) == (
        models.new.digest,
        False,
        models.old.digest,
        True,
    )
    async with elman.AsyncClient(f"127.0.0.1:{server.port}") as asking:
        assert [row(one)[-1] for one in (await asking.status()).models] == ["serves", "replaced"]


async def test_three_servers_in_turn_take_up_models_and_no_call_of_the_library_fails(
    serve: Callable[..., Awaitable[Server]], tmp_path: Path, models: Models, alone: Any, until: Until
) -> None:
    expected = {model.digest: (await alone(model, wanted())).text for model in models}
    paths = [tmp_path / f"{number}.safetensors" for number in range(3)]
    for path in paths:
        save(models.old, path)
    servers = [await serve(models=(f"one={path}",), grace_seconds=0.05) for path in paths]
    addresses = [f"127.0.0.1:{server.port}" for server in servers]
    is_over = asyncio.Event()

    def is_somewhere(state: bytes) -> bool:
        """Whether a server serves the model of a state."""
        served = [one.digest for server in servers for one in server.models if not one.is_replaced]
        return any(digest.startswith(maker_of(state)) for digest in served)

    async with elman.AsyncClient(f"ipv4:{','.join(addresses)}") as spread, elman.AsyncClient(addresses) as client:
        callers = [asyncio.create_task(each(spread, expected, is_over)) for each in (completing, typing)]
        callers.append(asyncio.create_task(going_on(client, is_somewhere, is_over)))
        try:
            for times, (model, path) in enumerate(((model, path) for model in models[1:] for path in paths), 1):
                save(model, path)
                await until("model freed", times)
        finally:
            is_over.set()
            done = await asyncio.gather(*callers)
    assert min(done) > 0


async def completing(client: elman.AsyncClient, expected: dict[str, str], is_over: asyncio.Event) -> int:
    """Completes, and says how often."""
    done = 0
    while not is_over.is_set():
        completion = client.complete(TYPED, seed=3, max_characters=30)
        assert await completion.read() == expected[completion.digest]
        done += 1
    return done


async def typing(client: elman.AsyncClient, expected: dict[str, str], is_over: asyncio.Event) -> int:
    """Has suggestions for a document, after key and after key."""
    done = 0
    async with client.document("", temperature=0.8, seed=3, stop=[], min_confidence=0, max_characters=30) as document:
        while not is_over.is_set():
            document.replace(0, document.cursor, TYPED[: 1 + done % len(TYPED)])
            *_, last = [one async for one in document.suggestions()]
            assert document.text != TYPED or last.text == expected[document.digest]
            done += 1
    return done


async def going_on(client: elman.AsyncClient, is_somewhere: Callable[[bytes], bool], is_over: asyncio.Event) -> int:
    """Goes on from states, and begins again where it is told to, which is only where their model is nowhere."""
    done, state = 0, b""
    while not is_over.is_set():
        completion = client.complete("" if state else TYPED, state=state, seed=3, max_characters=10)
        try:
            await completion.read()
        except elman.SendTextAgain:
            assert state
            assert not is_somewhere(state)
            state = b""
        else:
            state = completion.state
            done += 1
    return done


def test_an_engine_keeps_a_model_as_long_as_a_text_is_in_its_rows(model: Model, make_text: Callable[..., Any]) -> None:
    engine = Engine({model.digest: open_execution(model, 2, "cpu")}, 2, 8)
    text = make_text("somebody")
    engine.submit([text])
    assert not engine.remove(model.digest)
    engine.tick()
    engine.cancel(text)
    assert not engine.remove(model.digest)
    engine.tick()
    steps = engine.statistics().row_steps
    assert steps > 0
    assert engine.remove(model.digest)
    assert (engine.statistics().row_steps, engine.has_work, engine.digests) == (steps, False, [])


async def test_a_file_that_is_written_in_place_all_the_time_is_never_taken_half(
    serve: Callable[..., Awaitable[Server]], path: Path, models: Models, connect: Connect, alone: Any
) -> None:
    """A file that is cut off under a reader would end the process, if it were mapped."""
    expected = {model.digest: await alone(model, wanted()) for model in models}
    server = await serve(grace_seconds=0)
    client = connect(server)
    is_over = threading.Event()
    writing = threading.Thread(target=scribble, args=(path, models, is_over))
    writing.start()
    try:
        for _ in range(150):
            server.read_again()
            one = told(await client.complete(wanted()))
            assert one == expected[one.digest]
    finally:
        is_over.set()
        writing.join()
    await client.until(lambda: server.models[0].digest == models.newer.digest)


def scribble(path: Path, models: Models, is_over: threading.Event) -> None:
    """Write models into the file, a part at a time; at last the newest."""
    while not is_over.is_set():
        for model in models:
            write_in_parts(path, to_bytes(model))
    write_in_parts(path, to_bytes(models.newer))


def write_in_parts(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        for start in range(0, len(data), 997):
            file.write(data[start : start + 997])
            file.flush()


async def test_a_hangup_has_the_files_read_and_ends_nothing(path: Path, models: Models, connect: Connect) -> None:
    config = {"models": [f"one={path}"], "port": 0, "metrics_port": 0}
    async with serving(config) as process, asyncio.timeout(60):
        client = connect(process)
        for model in (models.new, models.newer):
            save(model, path)
            process.process.send_signal(signal.SIGHUP)
            while await process.next_event() != "model loaded":
                pass
            assert await served(client) == [model.digest]
        foreign(path, models)
        process.process.send_signal(signal.SIGHUP)
        while await process.next_event() != "model kept":
            pass
        process.process.send_signal(signal.SIGHUP)  # asked once more, it tells once more
        while await process.next_event() != "model kept":
            pass
        assert told(await client.complete(wanted())).digest == models.newer.digest
        process.process.send_signal(signal.SIGTERM)
        assert await process.process.wait() == 0
