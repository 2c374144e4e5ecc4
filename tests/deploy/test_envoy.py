"""Three servers behind a real Envoy with the configuration of deploy/, TLS on both sides, and tokens."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.conftest import Authority
from tests.deploy.replicas import COMPONENT, Behind, behind_envoy, until

import elman
from elman.v1 import completion_service_pb2 as pb
from elman.v1.completion_service_pb2_grpc import CompletionServiceStub

SERVICE = "/elman.v1.CompletionService/"
REQUEST = pb.CompleteRequest(prefix="a bad ", sampling=pb.Sampling(seed=7), limits=pb.Limits(max_characters=30))
AS_JSON = {"prefix": "a bad ", "sampling": {"seed": "7"}, "limits": {"maxCharacters": 30}}
FRAME = 5
"""A frame of gRPC-Web begins with its kind and four bytes of length."""
TRAILERS = 0x80
AGE_MILLISECONDS = 400
AGED = f"""
import elman.cli.main, elman_server.server as server
options = server.options
age = dict.fromkeys(["grpc.max_connection_age_ms"], {AGE_MILLISECONDS})
server.options = lambda *given, **named: [*(dict(options(*given, **named)) | age).items()]
raise SystemExit(elman.cli.main.main())
"""
"""`elman`, whose connections grow old sooner."""

Ask: TypeAlias = Callable[[], Coroutine[Any, Any, str]]


@pytest.fixture(scope="module")
def program(tool: Callable[[str], str]) -> str:
    return tool("envoy")


@pytest.fixture(scope="module")
def behind(program: str, artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("replicas")
    with behind_envoy(program, folder, Authority(folder), f"small={artifact}") as behind:
        yield behind


@pytest.fixture
def expected(behind: Behind) -> str:
    """What any of the servers makes of the request."""
    with elman.Client(behind.replicas[0].address, credentials=behind.credentials) as client:
        return client.complete("a bad ", seed=7, max_characters=30).read()


@asynccontextmanager
async def channel_to(behind: Behind, address: str | None = None) -> AsyncGenerator[grpc.aio.Channel]:
    """One of gRPC's own, as it comes, to Envoy or to another address."""
    trusted = grpc.ssl_channel_credentials(behind.authority.certificate.read_bytes())
    own = ("grpc.use_local_subchannel_pool", 1)
    async with grpc.aio.secure_channel(address or behind.envoy.address, trusted, [own]) as channel:
        yield channel


def bearing(behind: Behind) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {behind.token}")]


async def plainly(channel: grpc.aio.Channel, behind: Behind) -> str:
    """The text of a completion, by a caller who knows nothing of elman."""
    stub: Any = CompletionServiceStub(channel)
    return "".join([event.piece.text async for event in stub.Complete(REQUEST, metadata=bearing(behind), timeout=30)])


async def with_library(client: elman.AsyncClient) -> str:
    return await client.complete("a bad ", seed=7, max_characters=30).read()


async def typing(document: elman.AsyncDocument) -> str:
    """What comes of a key."""
    document.insert("c")
    return "suggested" if [one async for one in document.suggestions(timeout=60)] else "nothing"


@asynccontextmanager
async def asking(ask: Ask, callers: int = 3) -> AsyncGenerator[Counter[str]]:
    """How often each answer came, to some who ask again and again until the block ends."""
    answers = Counter[str]()
    is_over = False

    async def go_on() -> None:
        while not is_over:
            try:
                answers[await ask()] += 1
            except (grpc.aio.AioRpcError, elman.ElmanError) as error:
                answers[repr(error)] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(go_on())
        try:
            yield answers
        finally:
            is_over = True


def post(behind: Behind, method: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """The code and the body of an answer over HTTP/1.1."""
    trusted = ssl.create_default_context(cafile=behind.authority.certificate)
    connection = HTTPSConnection(behind.envoy.address, context=trusted, timeout=30)
    try:
        allowed = {"authorization": f"Bearer {behind.token}", "content-type": "application/json"}
        connection.request("POST", SERVICE + method, body, allowed | (headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_envoy_takes_the_configuration_as_it_is(program: str, behind: Behind) -> None:
    folder = behind.envoy.folder
    command = [program, "--mode", "validate", "-c", str(COMPONENT / "envoy.yaml"), "--log-level", "warning"]
    validated = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert validated.returncode == 0, validated.stderr
    assert "deprecated" not in validated.stderr


def test_a_completion_is_that_of_any_server_to_the_byte(behind: Behind, expected: str) -> None:
    with elman.Client(behind.envoy.address, credentials=behind.credentials) as client:
        texts = {client.complete("a bad ", seed=7, max_characters=30).read() for _ in range(12)}
    assert texts == {expected}
    until(lambda: sum(bool(replica.calls()) for replica in behind.replicas) > 1)


def test_the_token_is_passed_on_and_without_one_nobody_is_served(behind: Behind) -> None:
    trusting = elman.Credentials(certificate_authority=behind.credentials.certificate_authority)
    with elman.Client(behind.envoy.address, credentials=trusting) as client, pytest.raises(elman.LogIn):
        client.complete("a bad ", max_characters=5).read()


async def test_the_health_is_any_server_s_and_watching_it_is_left_to_envoy(behind: Behind) -> None:
    """A client that watches would leave Envoy with the one server that its watch has reached."""
    request = health_pb2.HealthCheckRequest(service="elman.v1.CompletionService")
    async with channel_to(behind) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        assert (await stub.Check(request, timeout=30)).status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Watch(request, timeout=30).read()
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_server_that_says_that_it_leaves_gets_no_more_calls_while_it_still_serves(
    program: str, artifact: Path, tmp_path: Path
) -> None:
    with behind_envoy(program, tmp_path, Authority(tmp_path), f"small={artifact}", drain_notice_seconds=600) as behind:
        leaving, *others = behind.replicas
        leaving.leave()
        await asyncio.to_thread(until, lambda: behind.envoy.healthy() == {replica.port for replica in others})
        async with channel_to(behind, address=leaving.address) as channel:
            assert await plainly(channel, behind)


async def test_a_rolling_restart_fails_no_call_whoever_calls(behind: Behind, expected: str) -> None:
    credentials, several = behind.credentials, [replica.address for replica in behind.replicas]
    async with (
        channel_to(behind) as channel,
        elman.AsyncClient(behind.envoy.address, credentials=credentials) as through_envoy,
        elman.AsyncClient(several, credentials=credentials) as directly,
        asking(lambda: plainly(channel, behind)) as plain,
        asking(lambda: with_library(through_envoy)) as library,
        asking(lambda: with_library(directly)) as round_robin,
        through_envoy.document("a bad ", temperature=0, max_characters=20, min_confidence=0) as document,
        asking(lambda: typing(document), 1) as typed,
    ):
        for replica in behind.replicas:
            await asyncio.to_thread(replica.restart)
            await asyncio.to_thread(until, lambda: len(behind.envoy.healthy()) == 3)
    for answers in plain, library, round_robin:
        assert answers.keys() == {expected}
    assert typed.keys() == {"suggested"}


async def test_a_server_that_dies_fails_no_call_of_the_library_and_comes_back(behind: Behind, expected: str) -> None:
    async with (
        elman.AsyncClient(behind.envoy.address, credentials=behind.credentials) as client,
        asking(lambda: with_library(client)) as answers,
    ):
        dying, *others = behind.replicas
        await asyncio.to_thread(dying.kill)
        await asyncio.to_thread(until, lambda: behind.envoy.healthy() == {replica.port for replica in others})
        dying.start()
        await asyncio.to_thread(until, lambda: len(behind.envoy.healthy()) == 3)
    assert answers.keys() == {expected}


async def test_a_call_that_meets_a_dead_server_is_asked_again_elsewhere(behind: Behind, expected: str) -> None:
    """Before any health check finds it dead."""

    def never_again(configuration: dict[str, Any]) -> None:
        (health_check,) = configuration["static_resources"]["clusters"][-1]["health_checks"]
        health_check |= dict.fromkeys(["interval", "no_traffic_interval"], "3600s")

    with behind.another_envoy(never_again) as envoy:
        dead = behind.replicas[0]
        dead.kill()
        try:
            async with channel_to(behind, envoy.address) as channel:
                assert {await plainly(channel, behind) for _ in range(20)} == {expected}
            assert dead.port in envoy.healthy()
        finally:
            dead.start()
            await asyncio.to_thread(until, lambda: len(behind.envoy.healthy()) == 3)


async def test_connections_that_grow_old_at_the_servers_fail_no_call(program: str, artifact: Path, tmp_path: Path) -> None:
    made = behind_envoy(program, tmp_path, Authority(tmp_path), f"small={artifact}", ["-c", AGED])
    with made as behind:
        async with channel_to(behind) as channel:
            once = await plainly(channel, behind)
            async with asking(lambda: plainly(channel, behind)) as answers:
                closed = "cluster.elman.upstream_cx_close_notify"
                await asyncio.to_thread(behind.envoy.wait_until, lambda: behind.envoy.statistic(closed) >= 9)
    assert answers.keys() == {once}


async def test_a_silent_document_stays_open(behind: Behind) -> None:
    """Beside a stream of another method, which is cut after so long without a word."""

    def soon(configuration: dict[str, Any]) -> None:
        (chain,) = configuration["static_resources"]["listeners"][0]["filter_chains"]
        chain["filters"][0]["typed_config"]["stream_idle_timeout"] = "1s"

    with behind.another_envoy(soon) as envoy:
        async with channel_to(behind, envoy.address) as channel:
            stub: Any = CompletionServiceStub(channel)
            following = stub.Follow(metadata=bearing(behind))
            await following.write(pb.FollowRequest(revision=1, open=pb.Open(prefix="a b", limits=pb.Limits(max_characters=3))))
            assert (await following.read()).revision == 1
            bidirectional: Any = channel.stream_stream
            silent = bidirectional("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")(metadata=bearing(behind))
            assert await silent.code() is not grpc.StatusCode.OK
            await following.write(pb.FollowRequest(revision=2, edit=pb.Edit(keep=3, insert="a")))
            while (await following.read()).revision < 2:
                pass
            following.cancel()


def test_a_browser_s_grpc_web_is_answered(behind: Behind, expected: str) -> None:
    message = REQUEST.SerializeToString()
    body = b"\0" + len(message).to_bytes(FRAME - 1, "big") + message
    code, answer = post(behind, "Complete", body, {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"})
    assert code == 200
    frames: list[tuple[int, bytes]] = []
    while answer:
        end = FRAME + int.from_bytes(answer[1:FRAME], "big")
        frames.append((answer[0], answer[FRAME:end]))
        answer = answer[end:]
    (*messages, (kind, trailers)) = frames
    assert kind == TRAILERS
    assert b"grpc-status:0" in trailers
    assert "".join(pb.CompleteResponse.FromString(data).piece.text for _, data in messages) == expected


def test_json_is_answered_a_line_for_each_message(behind: Behind, expected: str) -> None:
    code, answer = post(behind, "Complete", json.dumps(AS_JSON).encode())
    events = [json.loads(line) for line in answer.splitlines() if line]
    assert code == 200
    assert events[0]["started"]["seed"] == "7"
    assert events[-1]["finished"]["reason"] == "FINISH_REASON_LENGTH"
    assert "".join(event.get("piece", {}).get("text", "") for event in events) == expected


def test_a_document_of_one_revision_is_followed_as_json(behind: Behind) -> None:
    request = [{"revision": "1", "open": {"prefix": "a bad ", "limits": {"maxCharacters": 9}, "includeState": True}}]
    code, answer = post(behind, "Follow", json.dumps(request).encode())
    events = [json.loads(line) for line in answer.splitlines() if line]
    assert code == 200
    assert events[-1]["finished"]["state"]


@pytest.mark.parametrize(
    ("body", "headers", "code", "status", "said"),
    [
        (b'{"limits": {"maxCharacters": 0}}', {}, 400, "INVALID_ARGUMENT", "max_characters"),
        (b'{"model": {"name": "none"}}', {}, 404, "NOT_FOUND", "none"),
        (b"{}", {"authorization": ""}, 401, "UNAUTHENTICATED", "token"),
        (b'{"prefix": 1', {}, 400, None, ""),
    ],
)
def test_a_refusal_is_told_in_json(
    behind: Behind, body: bytes, headers: dict[str, str], code: int, status: str | None, said: str
) -> None:
    answered, answer = post(behind, "Complete", body, headers)
    assert answered == code
    if status:
        told = json.loads(answer)
        assert grpc.StatusCode[status].value[0] == told["code"]
        assert said in told["message"]


def test_a_long_text_is_taken_as_json(behind: Behind) -> None:
    request = {"prefix": "a bad " * 150_000, "limits": {"maxCharacters": 3}}
    code, answer = post(behind, "Complete", json.dumps(request).encode())
    assert code == 200, answer
    assert b'"finished"' in answer


def test_the_caller_s_request_id_is_in_the_servers_log(behind: Behind) -> None:
    post(behind, "Complete", json.dumps(AS_JSON).encode(), {"x-request-id": "of-the-caller"})
    until(lambda: any(call.get("request_id") == "of-the-caller" for one in behind.replicas for call in one.calls()))


def test_no_text_and_no_token_is_in_envoy_s_log(behind: Behind) -> None:
    canary = "a cab bad cabbage"
    post(behind, "Complete", json.dumps({**AS_JSON, "prefix": canary}).encode(), {"x-request-id": "canary"})
    until(lambda: "canary" in behind.envoy.said())
    assert canary not in behind.envoy.said()
    assert behind.token not in behind.envoy.said()


def test_probes_learn_of_readiness_and_metrics_and_nothing_else(behind: Behind) -> None:
    assert behind.envoy.probe("ready").strip() == "LIVE"
    assert "envoy_cluster_upstream_rq" in behind.envoy.probe("stats/prometheus")
    with pytest.raises(OSError, match="404"):
        behind.envoy.probe("config_dump")


async def test_renewed_certificates_are_shown_without_a_failed_call(behind: Behind, expected: str) -> None:
    """Replaced as Kubernetes does it: another file is moved into the place of the old one."""
    issued = behind.authority.issue("localhost", name="renewed")

    def shown() -> str:
        host, _, port = behind.envoy.address.partition(":")
        return ssl.get_server_certificate((host, int(port)))

    before = shown()
    async with channel_to(behind) as channel, asking(lambda: plainly(channel, behind)) as answers:
        for new, name in zip(issued, ("tls.crt", "tls.key"), strict=True):
            (behind.envoy.folder / f"{name}.new").write_bytes(new.read_bytes())
        for name in ("tls.crt", "tls.key"):
            os.replace(behind.envoy.folder / f"{name}.new", behind.envoy.folder / name)  # noqa: PTH105 # the very call
        await asyncio.to_thread(until, lambda: shown() != before)
    assert issued[0].read_text().startswith(shown().strip()[:200])
    assert answers.keys() == {expected}
