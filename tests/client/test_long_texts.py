"""A text of any length is read: what is too long for one request goes in stretches, and the answer is that of one request."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from elman.aio.client import AsyncClient
from elman.errors import AllowMoreTime
from elman.protocol import stretches
from elman.protocol.results import Score
from elman.sync.client import Client
from elman.sync.embedded import open_client
from elman.v1 import completion_service_pb2 as pb

if TYPE_CHECKING:
    from tests.client.conftest import Break, Scripted

TEXT = "a cab, a bed\nzß 😀 dad! fed… a cab, a bed and a bad ace\n"
FIELDS: dict[str, Any] = {"seed": 5, "alternatives": 2, "max_characters": 20, "include_log_probabilities": True}
LONGEST = 7


def with_small_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "LONGEST_TEXT", LONGEST)
    monkeypatch.setattr(stretches, "LARGEST_PREFIX_BYTES", LONGEST)


def untimed(record: dict[str, Any]) -> dict[str, Any]:
    """The record without how long it took."""
    for usage in (record["usage"], *(each["usage"] for each in record["alternatives"])):
        for name in [name for name in usage if name.endswith("_seconds")]:
            del usage[name]
    return record


def parts_of(score: Score) -> tuple[Any, ...]:
    return score.characters, score.unknown_characters, score.log_probabilities, score.state


async def test_a_prefix_in_stretches_is_completed_as_in_one_request(
    client: Client, scripted: "Scripted", monkeypatch: pytest.MonkeyPatch
) -> None:
    state = client.score("bad ").state
    with client.complete(TEXT, state=state, **FIELDS) as completion:
        completion.read()
    whole = untimed(completion.record())
    scripted.requests.clear()
    with_small_messages(monkeypatch)
    with client.complete(TEXT, state=state, **FIELDS) as completion:
        completion.read()
    assert untimed(completion.record()) == whole
    texts = [each.text if isinstance(each, pb.ScoreRequest) else each.prefix for each in scripted.requests]
    assert "".join(texts) == TEXT
    assert max(map(len, texts)) == LONGEST
    async with AsyncClient(scripted.address) as other, other.complete(TEXT, state=state, **FIELDS) as completion:
        await completion.read()
    assert untimed(completion.record()) == whole


async def test_a_text_in_stretches_is_scored_as_in_one_request(
    client: Client, scripted: "Scripted", monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.score(TEXT, include_log_probabilities=True)
    with_small_messages(monkeypatch)
    async with AsyncClient(scripted.address) as other:
        for score in (
            client.score(TEXT, include_log_probabilities=True),
            await other.score(TEXT, include_log_probabilities=True),
        ):
            assert parts_of(score) == parts_of(whole)
            assert score.total_log_probability == pytest.approx(whole.total_log_probability, rel=1e-14)
        assert (await other.score("")).characters == client.score("").characters == 0


def test_a_stretch_that_is_lost_is_asked_for_again(
    client: Client, scripted: "Scripted", break_at: type["Break"], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.complete(TEXT, **FIELDS).read()
    with_small_messages(monkeypatch)
    scripted.breaks = [None, break_at(0), None, break_at(0), *[None] * 5, break_at(3)]
    assert client.complete(TEXT, **FIELDS).read() == whole
    assert not scripted.breaks


def test_one_timeout_covers_all_stretches(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with_small_messages(monkeypatch)
    with pytest.raises(AllowMoreTime):
        client.complete(TEXT * 1000, timeout=0.05).read()


def test_more_than_a_mebibyte_is_read_in_this_process(artifact: Path) -> None:
    text = "a bad cab, a bed\n" * (1 + (1 << 20) // 17)
    with open_client(str(artifact), device="cpu") as client:
        score = client.score(text)
        assert score.characters == len(text) > 1 << 20
        assert client.complete(text, seed=1).read() == client.complete(state=score.state, seed=1).read()
