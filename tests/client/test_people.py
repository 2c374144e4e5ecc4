"""The library as a person meets it: what is printed is short, and what is wrong says what to do."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import elman
from elman.aio.client import AsyncClient
from elman.errors import ElmanError
from elman.sync.client import Client

A_LINE = 200


def test_the_version_is_that_of_the_package() -> None:
    assert elman.__version__ == version("elman")


def test_everything_that_is_received_prints_as_one_short_line(client: Client) -> None:
    completion = client.complete("a bad ", seed=3, include_log_probabilities=True, alternatives=2)
    assert repr(completion) == "<Completion of seed 3: not begun>"
    pieces = list(completion)
    score = client.score("a bad cab " * 100, include_log_probabilities=True)
    shown = [completion, *completion.alternatives, pieces[0], score, *client.models(), completion.usage]
    assert all(len(repr(each)) < A_LINE + 100 and "\n" not in repr(each) for each in shown)
    assert repr(completion).startswith(f"<Completion of seed 3: {completion.text[:20]!r}"[:-1])
    assert repr(completion.alternatives[1]).startswith("Alternative(1, ")
    assert "b'" not in repr(score)
    assert repr(client.models()[0]).startswith("ModelDescription(name='tiny', digest='")


@pytest.mark.parametrize("is_embedded", [False, True])
def test_a_closed_client_says_so(is_embedded: bool, scripted: Any, artifact: Path) -> None:
    client = elman.open(str(artifact), device="cpu") if is_embedded else Client(scripted.address)
    begun, document = client.complete("a"), client.document("a")
    client.close()
    client.close()
    calls: list[Callable[[], object]] = [
        lambda: client.complete("a").read(),
        lambda: client.score("a"),
        lambda: list(document.suggestions()),
        client.models,
        client.document,
        begun.read,
    ]
    for call in calls:
        with pytest.raises(ElmanError, match="this client is closed; make another"):
            call()


async def test_a_closed_asynchronous_client_says_so(scripted: Any) -> None:
    client = AsyncClient(scripted.address)
    begun = client.complete("a")
    await client.close()
    with pytest.raises(ElmanError, match="this client is closed"):
        await client.score("a")
    with pytest.raises(ElmanError, match="this client is closed"):
        client.document("a")
    with pytest.raises(ElmanError, match="this client is closed"):
        await begun.read()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"prefix": 5}, "prefix: 5 is of type int; allowed: text (str)"),
        ({"prefix": b"a"}, "prefix: b'a' is of type bytes; allowed: text (str)"),
        ({"prefix": None}, "prefix: None is of type NoneType; allowed: text (str)"),
        ({"temperature": "0.5"}, "temperature: '0.5' is of type str; allowed: a number"),
        ({"top_k": 1.5}, "top_k: 1.5 is of type float; allowed: a whole number"),
        ({"seed": "7"}, "seed: '7' is of type str; allowed: a whole number"),
        ({"stop": 7}, "stop: 7 is of type int; allowed: a sequence of strings"),
        ({"stop": [7]}, "stop[0]: 7 is of type int; allowed: text (str)"),
        ({"state": "QUJD"}, "state: 'QUJD' is of type str; allowed: bytes; a record's Base64 is to be decoded first"),
        ({"timeout": "5"}, "timeout: '5' is of type str; allowed: a number of seconds, or none"),
        ({"max_characters": True}, "max_characters: True is of type bool; allowed: a whole number"),
        ({"temperature": False}, "temperature: False is of type bool; allowed: a number"),
        ({"include_log_probabilities": 5}, "include_log_probabilities: 5 is of type int; allowed: True or False"),
        ({"model": 7}, "model: 7 is of type int; allowed: text (str)"),
    ],
)
def test_a_value_of_a_wrong_type_says_which_is_right(given: dict[str, Any], words: str, client: Client) -> None:
    with pytest.raises(TypeError) as refused:
        client.complete(**given)
    assert str(refused.value) == words


@pytest.mark.parametrize("addresses", [7, [7], None, {"a": 1}])
def test_addresses_of_a_wrong_type_are_refused(addresses: Any) -> None:
    with pytest.raises(TypeError, match=r"^addresses: .* allowed: HOST, HOST:PORT, or several$"):
        Client(addresses)
