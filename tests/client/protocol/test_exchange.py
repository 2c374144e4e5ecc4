"""The pure core: what is asked for next, and which events cannot be."""

from collections.abc import Sequence

import pytest

from elman.errors import ReportDefect
from elman.protocol.exchange import Exchange, is_news
from elman.protocol.results import Piece
from elman.v1 import completion_service_pb2 as pb

MODEL = pb.Model(name="one", digest="d" * 64)


def exchange_of(alternatives: int = 1) -> Exchange:
    return Exchange(pb.CompleteRequest(prefix="ab", alternatives=alternatives, sampling=pb.Sampling(seed=3)))


def started(seed: int = 3, start_position: int = 2, digest: str = MODEL.digest) -> pb.CompleteResponse:
    model = pb.Model(name="one", digest=digest)
    return pb.CompleteResponse(started=pb.Started(model=model, seed=seed, start_position=start_position))


def piece(text: str, position: int, alternative: int = 0) -> pb.CompleteResponse:
    return pb.CompleteResponse(piece=pb.Piece(text=text, position=position, alternative=alternative))


def finished(alternative: int = 0) -> pb.CompleteResponse:
    reason = pb.FINISH_REASON_LENGTH
    return pb.CompleteResponse(finished=pb.Finished(alternative=alternative, reason=reason, state=b"s"))


def receive(exchange: Exchange, events: Sequence[pb.CompleteResponse]) -> None:
    assert exchange.next_request() is not None
    for event in events:
        exchange.receive(event)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (piece("x", 6), "a gap in alternative 0: a piece at position 6, expected at 5"),
        (piece("x", 4), "a repeat in alternative 0: a piece at position 4, expected at 5"),
        (piece("x", 2, alternative=1), "alternative 1, which was not asked for"),
        (finished(alternative=7), "alternative 7, which was not asked for"),
    ],
)
def test_an_event_out_of_place_is_a_defect(event: pb.CompleteResponse, words: str) -> None:
    exchange = exchange_of()
    receive(exchange, [started(), piece("abc", 2)])
    with pytest.raises(ReportDefect, match=words):
        exchange.receive(event)


def test_text_after_the_end_is_a_defect() -> None:
    exchange = exchange_of()
    receive(exchange, [started(), piece("abc", 2), finished()])
    with pytest.raises(ReportDefect, match="after its end"):
        exchange.receive(piece("x", 5))


def test_text_before_started_is_a_defect_in_every_stream() -> None:
    exchange = exchange_of()
    receive(exchange, [started(), piece("abc", 2)])
    assert exchange.next_request() is not None
    with pytest.raises(ReportDefect, match=r"does not begin with Started$"):
        exchange.receive(piece("x", 5))


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (started(seed=4), "seed 4 instead of 3"),
        (started(start_position=3), "position 3 instead of 2"),
        (started(digest="e" * 64), "model e+ instead of d+"),
    ],
)
def test_a_replica_that_resumes_something_else_is_a_defect(event: pb.CompleteResponse, words: str) -> None:
    exchange = exchange_of()
    receive(exchange, [started(), piece("abc", 2)])
    assert exchange.next_request() is not None
    with pytest.raises(ReportDefect, match=words):
        exchange.receive(event)


@pytest.mark.parametrize("events", [[], [started()], [started(), piece("abc", 2)]])
def test_a_stream_that_ends_well_without_its_end_is_a_defect(events: Sequence[pb.CompleteResponse]) -> None:
    exchange = exchange_of()
    receive(exchange, events)
    with pytest.raises(ReportDefect, match="ended"):
        exchange.end()


def test_a_stream_that_broke_after_started_is_asked_for_whole_again_of_the_same_model() -> None:
    exchange = exchange_of(alternatives=3)
    receive(exchange, [started()])
    request = exchange.next_request()
    assert request is not None
    assert (request.alternatives, request.already_received, request.model) == (3, "", MODEL)


def test_an_alternative_that_received_nothing_is_resumed_alone_with_nothing() -> None:
    exchange = exchange_of(alternatives=2)
    receive(exchange, [started(), piece("abc", 2, alternative=0), finished(alternative=0)])
    request = exchange.next_request()
    assert request is not None
    assert (request.alternatives, request.first_alternative, request.already_received) == (1, 1, "")


def test_an_event_of_a_newer_server_is_passed_over() -> None:
    exchange = exchange_of()
    receive(exchange, [started(), pb.CompleteResponse(), piece("abc", 2), finished()])
    exchange.end()
    assert exchange.next_request() is None


def test_a_piece_is_returned_and_what_was_received_is_kept_by_alternative() -> None:
    exchange = exchange_of(alternatives=2)
    assert (exchange.alternatives, exchange.progress) == ([], 0)
    receive(exchange, [started()])
    assert exchange.progress == 0
    assert exchange.receive(piece("x", 2, alternative=1)) == Piece.of(piece("x", 2, alternative=1).piece)
    exchange.receive(piece("abc", 2))
    assert exchange.receive(finished()) is None
    assert exchange.progress == 3
    assert [(one.number, one.text, one.finish_reason) for one in exchange.alternatives] == [
        (0, "abc", "length"),
        (1, "x", None),
    ]


def test_each_unfinished_alternative_is_asked_for_alone_with_what_it_received() -> None:
    exchange = Exchange(pb.CompleteRequest(alternatives=3, first_alternative=4, sampling=pb.Sampling(seed=3)))
    whole = exchange.next_request()
    assert whole is not None
    assert (whole.alternatives, whole.first_alternative) == (3, 4)
    for event in (started(), piece("abc", 2, 4), piece("x", 2, 5), finished(4)):
        exchange.receive(event)
    for number, text in ((5, "x"), (6, "")):
        request = exchange.next_request()
        assert request is not None
        assert (request.alternatives, request.first_alternative, request.already_received) == (1, number, text)
        exchange.receive(started())
        with pytest.raises(ReportDefect, match=f"alternative {11 - number}, which was not asked for"):
            exchange.receive(piece("y", 2, 11 - number))
        with pytest.raises(ReportDefect, match=rf"not the alternatives \[{number}\]"):
            exchange.end()
        exchange.receive(finished(number))
        exchange.end()
    assert exchange.next_request() is None


def test_nothing_is_of_a_stream_before_it_was_asked_for() -> None:
    with pytest.raises(ReportDefect, match=r"does not begin with Started$"):
        exchange_of().receive(piece("x", 0))
    with pytest.raises(ReportDefect, match=r"does not begin with Started$"):
        exchange_of().receive(piece("x", 1))


def test_a_beginning_is_not_news() -> None:
    assert [is_news(event) for event in (started(), piece("x", 2), finished(), pb.CompleteResponse())] == [
        False,
        True,
        True,
        True,
    ]
