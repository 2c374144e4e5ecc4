"""From keywords to messages: one table of fields, in the proto's words; and what the wire cannot carry."""

import inspect
import re
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from elman.aio.client import AsyncClient
from elman.errors import ElmanError, MendRequest, NeverRetry
from elman.protocol.fields import COMPLETE_FIELDS, DOCUMENT_FIELDS, SCORE_FIELDS
from elman.settings import Setting, given
from elman.sync.client import Client

PROTO = Path(__file__).parents[3] / "proto/elman/v1/completion_service.proto"
NOT_FIELDS = {"self", "prefix", "text", "cursor", "model", "timeout", "whole_words", "heed_surroundings", "debounce_seconds"}


def comments(message: str) -> dict[str, str]:
    """Each field's comment in the proto."""
    (body,) = re.findall(rf"^message {message} \{{\n(.*?)^\}}", PROTO.read_text(), re.MULTILINE | re.DOTALL)
    found = re.findall(r"((?:  // .*\n)+)  [\w ]+ (\w+) = ", body)
    return {name: " ".join(line.strip("/ ") for line in comment.strip().split("\n")) for comment, name in found}


def test_every_field_is_described_in_the_words_of_the_proto() -> None:
    words = {**comments("Model"), **comments("Sampling"), **comments("Limits"), **comments("CompleteRequest")}
    assert {field.name: field.help for field in COMPLETE_FIELDS} == {field.name: words[field.name] for field in COMPLETE_FIELDS}
    words = {**comments("Model"), **comments("ScoreRequest")}
    assert {field.name: field.help for field in SCORE_FIELDS} == {field.name: words[field.name] for field in SCORE_FIELDS}


@pytest.mark.parametrize("field", [each for each in COMPLETE_FIELDS if "Default" in each.help], ids=lambda field: field.name)
def test_a_default_is_the_one_that_its_comment_names(field: Setting) -> None:
    (named,) = re.findall(r"Default ([\d.]*\d)", field.help)
    assert field.default == float(named)


@pytest.mark.parametrize("face", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("method", "fields"), [("complete", COMPLETE_FIELDS), ("document", DOCUMENT_FIELDS), ("score", SCORE_FIELDS)]
)
def test_the_keywords_are_the_fields(face: type, method: str, fields: tuple[Setting, ...]) -> None:
    parameters = inspect.signature(getattr(face, method)).parameters
    keywords = {name: each.default for name, each in parameters.items() if name not in NOT_FIELDS}
    assert keywords == {field.name: field.default for field in fields}


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"top_k": -1}, "top_k: -1 is out of range; allowed: 0 to 4294967295"),
        ({"top_k": 2**32}, "top_k: 4294967296 is out of range"),
        ({"seed": -1}, "seed: -1 is out of range"),
        ({"seed": 2**64}, "seed: 18446744073709551616 is out of range; allowed: 0 to 18446744073709551615"),
        ({"max_characters": 2**63 - 1}, "max_characters: 9223372036854775807 is out of range"),
        ({"alternatives": -1}, "alternatives: -1 is out of range"),
        ({"first_alternative": -1}, "first_alternative: -1 is out of range"),
        ({"temperature": 10**400}, "temperature: a number this large"),
        ({"prefix": "ab\ud800"}, r"prefix: U\+D800 at character 2 is not a character"),
        ({"stop": ["a", "\udfff"]}, r"stop\[1\]: U\+DFFF at character 0"),
        ({"stop": "ab"}, "stop: 'ab' is one string"),
        ({"model": "\ud800"}, "model: "),
        ({"timeout": 0}, "timeout: 0 is out of range"),
        ({"timeout": float("nan")}, "timeout: nan is out of range"),
    ],
)
def test_what_the_wire_cannot_carry_is_refused_by_name_before_anything_is_sent(
    keywords: dict[str, Any], words: str, client: Client, scripted: Any
) -> None:
    with pytest.raises(MendRequest, match=words):
        client.complete(**keywords)
    assert scripted.requests == []


@pytest.mark.parametrize(
    ("keywords", "field"),
    [
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"min_p": float("inf")}, "min_p"),
        ({"max_characters": 0}, "max_characters"),
        ({"alternatives": 0}, "alternatives"),
        ({"min_confidence": -1.0}, "min_confidence"),
        ({"stop": [""]}, r"stop\[0\]"),
        ({"state": b"nonsense"}, "state"),
    ],
)
def test_other_ranges_are_the_servers_to_check_and_read_the_same(keywords: dict[str, Any], field: str, client: Client) -> None:
    with pytest.raises(MendRequest, match=f"^{field}: .*allowed"):
        client.complete("a", **keywords).read()


def test_a_message_over_the_transport_limit_is_never_retried(client: Client, scripted: Any) -> None:
    with pytest.raises(NeverRetry):
        client.complete("a", stop=["a" * (4 << 20)]).read()
    assert scripted.requests == []


@pytest.mark.parametrize("addresses", ["", [], ["127.0.0.1:1", ""]])
def test_an_empty_address_is_refused(addresses: Any) -> None:
    with pytest.raises(ElmanError, match="addresses: "):
        Client(addresses)


@pytest.mark.parametrize("text", ["", "\0", "e\u0301", "\U0001f600", "\r\n", "\ufeff"])
def test_text_arrives_as_it_was_given(text: str, client: Client, scripted: Any) -> None:
    client.complete(text, max_characters=1).read()
    assert scripted.requests[0].prefix == text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (r"\n", "\n"),
        (r"\n\n", "\n\n"),
        (r"a\tb\r", "a\tb\r"),
        (r"\\n", r"\n"),
        (r"\u2014!", "—!"),
        ("\n", "\n"),
        ("end", "end"),
    ],
)
def test_a_stop_string_on_the_command_line_may_hold_escapes(words: str, text: str) -> None:
    arguments = Namespace(stop=[words, "."])
    assert given(arguments, COMPLETE_FIELDS, MendRequest.of_field) == {"stop": (text, ".")}


@pytest.mark.parametrize("words", ["\\", r"\q", r"\u12", r"\N", "a\\\\\\"])
def test_a_backslash_that_means_nothing_is_refused(words: str) -> None:
    with pytest.raises(MendRequest, match=r"^stop: .* is out of range; allowed: text in which a backslash is written "):
        given(Namespace(stop=[words]), COMPLETE_FIELDS, MendRequest.of_field)
