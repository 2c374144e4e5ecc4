"""A bell wakes its one listener, whenever it began to listen, and however often it was abandoned before."""

import asyncio

import pytest

from elman_server.rpc.bell import Bell


async def test_who_listens_wakes_when_it_rings() -> None:
    bell = Bell()
    listener = asyncio.create_task(bell.heard())
    await asyncio.sleep(0)
    assert not listener.done()
    bell.ring()
    bell.ring()
    await listener


async def test_a_bell_rings_until_it_is_muted() -> None:
    bell = Bell()
    bell.ring()
    await bell.heard()
    await bell.heard()
    bell.mute()
    listener = asyncio.create_task(bell.heard())
    await asyncio.sleep(0)
    assert not listener.done()
    bell.ring()
    await listener


async def test_who_stopped_listening_makes_room_for_another() -> None:
    bell = Bell()
    first = asyncio.create_task(bell.heard())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="one listener"):
        await bell.heard()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    second = asyncio.create_task(bell.heard())
    await asyncio.sleep(0)
    bell.ring()
    await second
