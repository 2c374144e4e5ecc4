"""Several processes at one port are one server: to callers, to who watches, and to who ends it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from tests.server.workers.conftest import completes, kill, runs, series, serving

from elman import AsyncClient

CONNECTIONS = 24
"""All of which land at one of two workers once in 2^23 times."""
KILLS = 8


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
