"""Characters that a model lacks and whose plain form it has: read as that form wherever text is read, and never produced."""

from typing import TYPE_CHECKING

import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_models.law.artifact import Model
from elman_server.embedded import Embedded, EmbeddedFollow

if TYPE_CHECKING:
    from tests.laws.conftest import Ask

VARIED, PLAIN = "a bèd— ﬁg ☂è", "a béd! fg ☂é"


def test_a_variant_is_read_as_its_plain_form_in_every_call(model: Model, embedded: Embedded, ask: "Ask") -> None:
    assert set("è—ﬁ") == set(model.vocabulary.variants)
    for repeats in (1, 9):  # few characters, and many
        varied, plain = VARIED * repeats, PLAIN * repeats
        assert ask(embedded, completion(varied)) == ask(embedded, completion(plain))
        assert followed(embedded, varied) == followed(embedded, plain)
        one, other = (embedded.score(pb.ScoreRequest(text=text, include_log_probabilities=True)) for text in (varied, plain))
        assert one == other
        assert (one.characters, one.unknown_characters) == (len(varied), repeats)


def test_a_variant_is_not_produced_and_so_was_not_received(model: Model, embedded: Embedded) -> None:
    request = completion("a")
    request.model.digest, request.already_received = model.digest, "bè"
    with pytest.raises(InvalidField, match=r"^already_received: 'è' .* characters that the model can produce$"):
        embedded.complete(request)


def test_a_stop_string_is_compared_as_it_is(embedded: Embedded, ask: "Ask") -> None:
    (whole,) = ask(embedded, completion("a"))
    at = next(place for place, character in enumerate(whole.text) if character in "é!f")
    for stop, expected in ((whole.text[at], whole.text[:at]), ("èé—!"["é!".find(whole.text[at]) * 2], whole.text)):
        request = completion("a")
        request.limits.stop.append(stop)
        assert ask(embedded, request)[0].text == expected


def completion(prefix: str) -> pb.CompleteRequest:
    """A request that draws."""
    sampling, limits = pb.Sampling(seed=5, temperature=1), pb.Limits(max_characters=40)
    return pb.CompleteRequest(prefix=prefix, sampling=sampling, limits=limits)


def followed(embedded: Embedded, text: str) -> list[tuple[str, bytes]]:
    """What is suggested for a document that is opened, cut and typed on, and the states behind it."""
    follow = embedded.follow()
    opening = pb.Open(prefix=text[:5], sampling=pb.Sampling(seed=3, temperature=1), include_state=True)
    follow.send(pb.FollowRequest(revision=1, open=opening))
    heard = [suggested(follow)]
    for revision, (keep, insert) in enumerate([(5, text[5:]), (3, text[3:]), (len(text), text)], start=2):
        follow.send(pb.FollowRequest(revision=revision, edit=pb.Edit(keep=keep, insert=insert, suggest=True)))
        heard.append(suggested(follow))
    follow.close()
    return heard


def suggested(follow: EmbeddedFollow) -> tuple[str, bytes]:
    """The whole suggestion of the newest revision, and the state behind it."""
    responses = list(follow)
    return "".join(one.suggestion.text for one in responses), responses[-1].finished.state
