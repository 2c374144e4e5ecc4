"""Several processes at one port are one server: to callers, to who watches, and to who ends it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.server.workers.conftest import children, completes, kill, runs, series, serving, threads

from elman import AsyncClient, Credentials, LogIn
from elman_models.law.artifact import load
from elman_server.security.limits import Limits
from elman_server.security.tokens import Line, new_token

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.conftest import Authority

CONNECTIONS = 24
"""All of which land at one of two workers once in 2^23 times."""
KILLS = 6
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
LONG = 300_000
"""Characters that take a small model longer than a signal takes."""
UNREAD_CALLS = 1500
"""Each is a line of some 200 bytes: several times what a pipe holds."""
STUCK = """
from elman_models.execution.native import Native
from elman_server.engine import ticker
from elman_server.workers.nursery import main
ticker.SHORT_SECONDS, ticker.STUCK_SECONDS = 0.0, 0.5
Native.start = lambda *_: None
main()
"""
"""Workers whose ticks begin, and never end."""
FAILING = """
import os
from elman_server.workers import nursery
live = nursery.live
def fail_or_live(*given):
    if os.path.exists("{path}"):
        os._exit(3)
    live(*given)
nursery.live = fail_or_live
nursery.main()
"""
"""Workers that end as they start, once there is a file."""


TORN = """
import os
from elman_server.workers import nursery
live = nursery.live
def tell_half_or_live(*given):
    if os.path.exists("{path}"):
        os.write(1, b'{{"is_alive":tr')
        os._exit(3)
    live(*given)
nursery.live = tell_half_or_live
nursery.main()
"""
"""Workers that end in the middle of what they tell, once there is a file."""
IMPATIENT = """
from elman_server import renewal
from elman_server.workers import nursery
nursery.LOOK_SECONDS = 0.1
renewal.LOOK_SECONDS = 0.05
nursery.main()
"""
"""Workers, and what they are forked from, that look at their files often."""


async def test_workers_serve_at_one_port_and_leave_no_process(small: dict[str, Any]) -> None:
    async with serving(small) as whole, AsyncExitStack() as stack:
        workers = whole.workers
        assert len(workers) == 2
        clients = [await stack.enter_async_context(AsyncClient(whole.address)) for _ in range(CONNECTIONS)]
        texts = await asyncio.gather(*map(completes, clients))
        assert len(set(texts)) == 1
        await whole.until(lambda: len(whole.told("call")) == CONNECTIONS)
        assert {line["worker"] for line in whole.told("call")} == {0, 1}
        assert await whole.end() == 0
        assert not any(map(runs, workers))
        assert whole.lines[-1]["event"] == "stopped"
        assert "worker" not in whole.lines[-1]


async def test_metrics_and_health_are_the_whole_s(small: dict[str, Any]) -> None:
    async with serving(small) as whole, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(AsyncClient(whole.address)) for _ in range(CONNECTIONS)]
        await asyncio.gather(*map(completes, clients))
        done = series("elman_requests_total", method="Complete", model="one", outcome="OK")
        found = await whole.scraped(done, CONNECTIONS)
        assert found["elman_generated_characters_total"] == 20 * CONNECTIONS
        assert found["elman_time_to_first_character_seconds_count"] == CONNECTIONS
        assert found[series("elman_time_to_first_character_seconds_bucket", le="+Inf")] == CONNECTIONS
        assert found[series("elman_rows", model="one", state="free")] == 2 * small["rows"]
        assert found["elman_workers"] == 2
        async with asyncio.timeout(60):
            while (await clients[0].status()).models[0].rows != 2 * small["rows"]:  # each hears of the others once a second
                pass
        status = await clients[0].status()
        assert (status.held_bytes < status.most_bytes == whole.facts["memory_bytes"], status.is_draining) == (True, False)
        assert sum(value for name, value in found.items() if name.startswith("elman_build_info")) == 1
        assert [await whole.status(path) for path in ("/healthz", "/readyz")] == [200, 200]


async def test_a_worker_that_dies_is_replaced_and_the_library_s_callers_see_no_error(small: dict[str, Any]) -> None:
    async with serving(small) as whole, AsyncClient(whole.address) as one, AsyncClient(whole.address) as other:
        whole_text = await completes(one, 2000)
        is_over = False

        async def ask(client: AsyncClient) -> int:
            count = 0
            while not is_over:
                assert await completes(client, 2000) == whole_text
                count += 1
            return count

        asking = [asyncio.create_task(ask(client)) for client in (one, other)]
        for number in range(KILLS):
            await whole.serves(2)
            kill(whole.workers[number % 2])
            await whole.until(lambda dead=number + 1: len(whole.told("a worker has ended")) == dead)
        await whole.serves(2)
        is_over = True
        assert min(await asyncio.gather(*asking)) > 0
        found = await whole.scrape()
        assert found["elman_workers_replaced_total"] == KILLS
        assert await whole.end() == 0


async def test_a_count_never_falls_when_a_worker_dies(small: dict[str, Any]) -> None:
    async with serving(small) as whole, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(AsyncClient(whole.address)) for _ in range(CONNECTIONS)]
        await asyncio.gather(*map(completes, clients))
        before = await whole.scraped("elman_generated_characters_total", 20 * CONNECTIONS)
        for worker in whole.workers:
            kill(worker)
        await whole.until(lambda: len(whole.told("a worker has ended")) == 2)
        await whole.serves(2)
        after = await whole.scrape()
        assert {name for name, value in before.items() if "_total" in name and after[name] < value} == set()
        assert after["elman_generated_characters_total"] == 20 * CONNECTIONS


async def test_a_worker_that_stands_still_is_ended_and_replaced(small: dict[str, Any]) -> None:
    async with serving(small, LOOK_SECONDS=0.5, MOST_LOOKS=4) as whole:
        still, _ = before = whole.workers
        kill(still, signal.SIGSTOP)
        await whole.until(lambda: whole.told("a worker has ended"))
        assert whole.told("a worker stands still")
        assert not runs(still)
        await whole.until(lambda: len(whole.workers) == 2)
        assert len(set(whole.workers) & set(before)) == 1
        await whole.serves(2)
        async with AsyncClient(whole.address) as client:
            assert await completes(client)


async def test_a_worker_whose_engine_does_not_turn_is_ended_and_replaced(small: dict[str, Any]) -> None:
    """Its loop does, and says so."""
    async with serving(small, STUCK) as whole, AsyncClient(whole.address) as client:
        asking = asyncio.create_task(completes(client))
        await whole.until(lambda: whole.told("a worker stands still") and whole.told("a worker has ended"))
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


async def test_a_worker_that_is_asked_to_leave_does_so_in_good_order_and_is_replaced(small: dict[str, Any]) -> None:
    async with serving(small) as whole:
        kill(whole.workers[0], signal.SIGTERM)
        await whole.until(lambda: whole.told("a worker has ended"))
        (ended,) = whole.told("a worker has ended")
        assert ended["exit_code"] == 0
        await whole.serves(2)
        assert await whole.end() == 0


async def test_a_hangup_is_passed_on_to_one_worker_after_the_other(
    small: dict[str, Any], artifacts: dict[str, Path], tmp_path: Path
) -> None:
    """Another model's file, put in place of the first, is then served by all, and nobody was refused meanwhile."""
    path = tmp_path / "one.safetensors"
    shutil.copy(artifacts["one"], path)
    async with serving({**small, "models": [f"one={path}"]}) as whole, AsyncClient(whole.address) as client:
        is_over = False

        async def ask() -> int:
            count = 0
            while not is_over:
                assert len(await completes(client)) == 20
                count += 1
            return count

        asking = asyncio.create_task(ask())
        shutil.copy(artifacts["two"], tmp_path / "new")
        (tmp_path / "new").rename(path)
        whole.process.send_signal(signal.SIGHUP)
        two = load(artifacts["two"]).digest
        named = series("elman_model_info", digest=two, execution=whole.facts["executions"]["one"], model="one")
        await whole.scraped(named, 1)
        async with asyncio.timeout(60):
            while sum(name.startswith("elman_model_info") for name in await whole.scrape()) > 1:
                pass
        is_over = True
        assert await asking > 0
        await whole.serves(2)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
async def test_workers_end_with_their_parent(small: dict[str, Any], number: signal.Signals) -> None:
    async with serving(small) as whole:
        workers = whole.workers
        kill(workers[0], signal.SIGSTOP)  # whatever it is doing
        whole.process.send_signal(number)
        await whole.until(lambda: not any(map(runs, workers)))


async def test_who_has_begun_is_answered_before_all_leave(small: dict[str, Any]) -> None:
    async with serving({**small, "grace_seconds": 60}) as whole, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(AsyncClient(whole.address)) for _ in range(8)]
        begun = [await begin(client, LONG) for client in clients]
        whole.process.send_signal(signal.SIGTERM)
        assert {await rest for rest in begun} == {LONG}
        assert await whole.ended() == 0
        assert whole.told("a worker has ended") == []


async def begin(client: AsyncClient, characters: int) -> Awaitable[int]:
    """Begin a completion; returns what to wait for, which is how many characters there were in the end."""
    completion = client.complete("a bad cab", max_characters=characters, seed=1)
    first = await anext(aiter(completion))

    async def rest() -> int:
        return len(first.text) + sum([len(piece.text) async for piece in completion])

    return asyncio.create_task(rest())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_all_are_seen_to_leave_and_a_second_signal_has_them_leave_at_once(
    small: dict[str, Any], number: signal.Signals
) -> None:
    async with serving({**small, "grace_seconds": 300, "drain_notice_seconds": 300}) as whole:
        assert {await health(whole.address) for _ in range(CONNECTIONS)} == {SERVING}
        whole.process.send_signal(number)
        await whole.until(lambda: len(whole.told("draining")) == 3)
        assert {await health(whole.address) for _ in range(CONNECTIONS)} == {NOT_SERVING}
        assert [await whole.status(path) for path in ("/healthz", "/readyz")] == [200, 503]
        whole.process.send_signal(number)
        assert await whole.ended() == 0


async def health(address: str) -> int:
    """What a worker, whichever it is, answers to a probe of gRPC."""
    stub: Any = health_pb2_grpc
    async with grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        return (await stub.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)).status


async def test_a_worker_that_does_not_leave_is_ended_after_the_grace(small: dict[str, Any]) -> None:
    async with serving(small, END_SECONDS=0.5, MOST_LOOKS=1000) as whole:
        workers = whole.workers
        kill(workers[0], signal.SIGSTOP)
        assert await whole.end() == 1
        assert not any(map(runs, workers))


async def test_a_first_start_that_fails_says_why_once_as_one_process_does() -> None:
    for flags, words, code in (
        (["--model=no/such/model"], b"elman: error: --model: 'no/such/model' is neither a file", 3),
        (["--instructions=cuda"], b"elman: error: --instructions: ", 2),
        (["--tls-certificate=no", "--tls-key=no"], b"elman: error: no: No such file", 1),
    ):
        process = await asyncio.create_subprocess_exec(*serve_at(0, 2), *flags, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
        assert said.startswith(words)
        assert said.count(b"\n") == 1
        assert process.returncode == code


async def test_where_no_worker_starts_any_more_the_parent_ends_with_a_failure(small: dict[str, Any], tmp_path: Path) -> None:
    program = FAILING.format(path=tmp_path / "fail")
    async with serving(small, program, MOST_FAILURES=2, LONGEST_PAUSE_SECONDS=0.1) as whole:
        (tmp_path / "fail").touch()
        first, other = whole.workers
        kill(first)
        await whole.until(
            lambda: len(whole.told("a worker has ended")) > 3
        )  # it is tried again and again while the other serves
        async with AsyncClient(whole.address) as client:
            assert await completes(client)
        kill(other)
        assert await whole.ended() == 1
        assert whole.told("no worker starts")


async def test_a_worker_is_replaced_by_what_its_files_hold_unless_that_is_no_good(
    small: dict[str, Any], artifacts: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "one.safetensors"
    shutil.copy(artifacts["one"], path)
    async with serving({**small, "models": [f"one={path}"]}) as whole:
        for held, digest in (
            (b"", load(artifacts["one"]).digest),
            (artifacts["two"].read_bytes(), load(artifacts["two"]).digest),
        ):
            (tmp_path / "new").write_bytes(held)
            (tmp_path / "new").rename(path)
            before = len(whole.told("a worker has ended"))
            for worker in whole.workers:
                kill(worker)
            await whole.until(lambda before=before: len(whole.told("a worker has ended")) == before + 2)
            await whole.serves(2)
            async with AsyncClient(whole.address) as client:
                assert [model.digest for model in await client.models()] == [digest]
        assert whole.told("the files of a worker are not good: the old ones hold")


@pytest.mark.parametrize("given", [{"traces": True}, {"instructions": "numpy"}])
async def test_what_workers_are_forked_from_has_one_thread_whatever_they_need(
    small: dict[str, Any], given: dict[str, Any]
) -> None:
    """What needs threads from the start, as OpenTelemetry does, each makes for itself."""
    async with serving({**small, **given}) as whole, AsyncClient(whole.address) as client:
        assert len(await completes(client)) == 20
        assert [threads(nursery) for nursery in children(whole.process.pid)] == [1]
        assert await whole.end() == 0


async def test_what_workers_are_forked_from_is_replaced_with_them(small: dict[str, Any]) -> None:
    async with serving(small) as whole:
        (nursery,), workers = children(whole.process.pid), whole.workers
        kill(nursery)
        await whole.until(lambda: len(whole.told("a worker has ended")) == 2)
        assert not any(map(runs, workers))
        await whole.serves(2)
        async with AsyncClient(whole.address) as client:
            assert len(await completes(client)) == 20
        assert await whole.end() == 0


async def test_two_servers_at_one_port_are_refused(small: dict[str, Any], artifacts: dict[str, Path]) -> None:
    async with serving(small) as whole:
        port = whole.facts["port"]
        for workers in (1, 2):
            assert f"--port: {port} is out of range; allowed: a free port; this one is in use" in await refused(port, workers)
    one = await asyncio.create_subprocess_exec(*serve_at(port, 1), stderr=asyncio.subprocess.PIPE)
    try:
        assert one.stderr is not None
        assert json.loads(await one.stderr.readline())["event"] == "serving"
        assert f"--port: {port} is out of range; allowed: a free port; this one is in use" in await refused(port, 2)
    finally:
        one.kill()
        await one.communicate()


def serve_at(port: int, workers: int) -> list[str]:
    """A command that serves."""
    return [sys.executable, "-m", "elman", "serve", f"--port={port}", "--metrics-port=0", f"--workers={workers}"]


async def refused(port: int, workers: int) -> str:
    """What a server says that cannot start at a port."""
    process = await asyncio.create_subprocess_exec(*serve_at(port, workers), stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 2
    return said.decode()


async def test_workers_divide_memory_and_connections(small: dict[str, Any]) -> None:
    async with serving({**small, "memory_bytes": 10 << 20, "connections": 11}) as whole:
        assert (whole.facts["memory_bytes"], whole.facts["connections"], whole.facts["workers"]) == (10 << 20, 10, 2)
        found = await whole.scrape()
        assert found[series("elman_memory_bytes", state="free")] == 10 << 20
    for flags, words in ((["--memory-bytes=1048576"], "--memory-bytes: 1048576 "), (["--connections=1"], "--connections: 1 ")):
        process = await asyncio.create_subprocess_exec(*serve_at(0, 2), *flags, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
        assert (words in said.decode(), process.returncode) == (True, 2)


async def test_tls_and_tokens_hold_in_each_worker_also_once_they_are_renewed(
    small: dict[str, Any], authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("localhost")
    tokens, own = tmp_path / "tokens", tmp_path / "token"
    own.write_text(new_token_in(tokens))
    secured = {"tls_certificate": str(certificate), "tls_key": str(key), "tokens": str(tokens), "host": "localhost"}
    async with serving({**small, **secured}) as whole, AsyncExitStack() as stack:
        address = f"localhost:{whole.facts['port']}"

        async def ask_all() -> None:
            credentials = Credentials(certificate_authority=str(authority.certificate), token_file=str(own))
            clients = [
                await stack.enter_async_context(AsyncClient(address, credentials=credentials)) for _ in range(CONNECTIONS)
            ]
            assert len(set(await asyncio.gather(*map(completes, clients)))) == 1

        await ask_all()
        for without in (None, str(tmp_path / "another")):
            (tmp_path / "another").write_text("elman_another")
            credentials = Credentials(certificate_authority=str(authority.certificate), token_file=without)
            clients = [await stack.enter_async_context(AsyncClient(address, credentials=credentials)) for _ in range(4)]
            for client in clients:
                with pytest.raises(LogIn):
                    await completes(client)
        authority.issue("localhost")  # in place of the first
        own.write_text(new_token_in(tokens))
        for what in ("certificates renewed", "tokens renewed"):
            await whole.until(lambda what=what: {line["worker"] for line in whole.told(what)} == {0, 1})
        await ask_all()


def new_token_in(path: Path) -> str:
    """A token that a file grants, and no other."""
    token, line = new_token("caller", Limits())
    path.write_text(f"{line}\n")
    return token


async def test_whatever_a_worker_says_is_a_line_of_the_log(small: dict[str, Any]) -> None:
    """As it does when a library writes to standard error, or it breaks."""
    async with serving(small) as whole:
        descriptor = os.open(f"/proc/{whole.workers[0]}/fd/2", os.O_WRONLY)
        os.write(descriptor, b"not JSON\n")
        os.close(descriptor)
        await whole.until(lambda: whole.told("a worker said"))
        (line,) = whole.told("a worker said")
        assert (line["worker"], line["said"], line["level"]) == (0, "not JSON", "warning")


async def test_a_log_that_nobody_reads_delays_neither_callers_nor_the_end() -> None:
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(*serve_at(0, 2), "--drain-notice-seconds=0", stderr=writing)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as log:
        try:
            port = json.loads(await asyncio.to_thread(log.readline))["port"]
            async with AsyncClient(f"127.0.0.1:{port}") as one, AsyncClient(f"127.0.0.1:{port}") as other:
                for _ in range(UNREAD_CALLS // 2):
                    await asyncio.gather(one.score("a"), other.score("a"))
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_a_worker_that_ends_in_the_middle_of_what_it_tells_ends_no_other(small: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "torn"
    async with serving(small, TORN.format(path=path)) as whole, AsyncClient(whole.address) as client:
        path.touch()
        kill(whole.workers[0])
        await whole.until(lambda: [line["exit_code"] for line in whole.told("a worker has ended")][1:2] == [3])
        path.unlink()
        assert len(await completes(client)) == 20
        await whole.serves(2)
        assert await whole.end() == 0


async def test_a_signal_to_every_process_lets_calls_end(small: dict[str, Any]) -> None:
    """As systemd sends it to all that a service has started."""
    async with serving({**small, "grace_seconds": 60}) as whole, AsyncClient(whole.address) as client:
        completion = client.complete("a bad cab", max_characters=LONG, seed=1)
        count = len((await anext(aiter(completion))).text)
        for process in (whole.process.pid, *children(whole.process.pid), *whole.workers):
            kill(process, signal.SIGTERM)
        count += sum([len(piece.text) async for piece in completion])
        assert count == LONG
        assert await whole.ended() == 0


async def test_a_worker_that_is_replaced_lets_no_revoked_token_in(small: dict[str, Any], tmp_path: Path) -> None:
    tokens, lines = tmp_path / "tokens", dict[str, Line]()
    for name in ("kept", "revoked"):
        token, lines[name] = new_token(name, Limits())
        (tmp_path / name).write_text(token)
    tokens.write_text("".join(f"{line}\n" for line in lines.values()))
    async with serving({**small, "tokens": str(tokens)}, IMPATIENT) as whole, AsyncExitStack() as stack:

        async def ask(name: str) -> None:
            credentials = Credentials(token_file=str(tmp_path / name))
            for _ in range(4):
                async with AsyncClient(whole.address, credentials=credentials) as client:
                    await completes(client)

        await ask("revoked")
        tokens.write_text(f"{lines['kept']}\n")
        await whole.until(lambda: {line["worker"] for line in whole.told("tokens renewed")} == {0, 1})
        await asyncio.sleep(1)  # what they are forked from has looked, too, and says nothing
        tokens.write_text(f"{lines['kept']}\nnone\n")
        await whole.until(lambda: len(whole.told("tokens not renewed: the old ones hold")) >= 2)
        for worker in whole.workers:
            kill(worker)
        await whole.until(lambda: len(whole.told("a worker has ended")) == 2)
        await whole.serves(2)
        await ask("kept")
        stack.enter_context(pytest.raises(LogIn))
        await ask("revoked")


async def test_a_file_that_does_not_answer_holds_up_no_worker(small: dict[str, Any], tmp_path: Path) -> None:
    tokens, own = tmp_path / "tokens", tmp_path / "token"
    own.write_text(new_token_in(tokens))
    async with serving({**small, "tokens": str(tokens)}, IMPATIENT) as whole:
        tokens.unlink()
        os.mkfifo(tokens)  # nobody writes to it, so whoever opens it waits
        kill(whole.workers[0])
        await whole.until(lambda: len(whole.told("a worker has ended")) == 1)
        await whole.serves(2)
        async with AsyncClient(whole.address, credentials=Credentials(token_file=str(own))) as client:
            assert len(await completes(client)) == 20
        assert await whole.end() == 0
