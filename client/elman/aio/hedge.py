"""Sends a request to a second replica if the first is slow: the first answer wins, the other is cancelled. Knows no request.

replica 1:  ----------------------------x cancelled
replica 2:      hedge_seconds |--------answer...

Seed and digest are in the request, so it does not matter which of them answers.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeVar

Answer = TypeVar("Answer")


async def race(
    begin: Callable[[], AsyncGenerator[Answer]],
    begin_hedge: Callable[[], AsyncGenerator[Answer]],
    hedge_seconds: float,
    is_answer: Callable[[Answer], bool],
) -> AsyncGenerator[Answer]:
    """The events of the call that answers first; the second begins after the seconds. Raises the first's error if both fail."""
    runs = [asyncio.create_task(lead_of(stream := begin(), is_answer))]
    streams = [stream]
    try:
        done, _ = await asyncio.wait(runs, timeout=hedge_seconds)
        if not done:
            streams.append(begin_hedge())
            runs.append(asyncio.create_task(lead_of(streams[1], is_answer)))
        winner = await first_answer(runs)
        await cancel(runs)
        await asyncio.gather(*(stream.aclose() for number, stream in enumerate(streams) if number != winner))
        for event in runs[winner].result():
            yield event
        async for event in streams[winner]:
            yield event
    finally:
        await cancel(runs)
        for stream in streams:
            await stream.aclose()


async def lead_of(stream: AsyncGenerator[Answer], is_answer: Callable[[Answer], bool]) -> list[Answer]:
    """The events up to the first answer."""
    lead: list[Answer] = []
    async for event in stream:
        lead.append(event)
        if is_answer(event):
            break
    return lead


async def first_answer(runs: Sequence["asyncio.Task[list[Answer]]"]) -> int:
    """The number of the first run that has an answer; 0 if none does."""
    while True:
        well = [number for number, run in enumerate(runs) if has_answer(run)]
        running = [run for run in runs if not run.done()]
        if well or not running:
            return well[0] if well else 0
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)


def has_answer(run: "asyncio.Task[list[Answer]]") -> bool:
    """Whether it ended without an error. It may have been cancelled: gRPC cancels the calls of a channel that is closed."""
    return run.done() and not run.cancelled() and not run.exception()


async def cancel(runs: Sequence["asyncio.Task[list[Answer]]"]) -> None:
    """Cancel those that are still running, and wait until all have ended."""
    for run in runs:
        run.cancel()
    await asyncio.wait(runs)
