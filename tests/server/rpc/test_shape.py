"""Large bytes that cannot be a legal request are refused before they are decoded; legal ones pass, whatever they hold."""

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_server.rpc.shape import LARGE, check_shape

COMPLETE: Any = pb.CompleteRequest.DESCRIPTOR
FOLLOW: Any = pb.FollowRequest.DESCRIPTOR
MIB = 1 << 20
LIMITS = pb.Limits(max_characters=MIB, stop=["😀" * 64] * 16, min_confidence=0.1)


@pytest.mark.parametrize(
    "request_",
    [
        pb.CompleteRequest(prefix="a" * MIB, already_received="é" * MIB, state=b"s" * (1 << 18), limits=LIMITS),
        pb.FollowRequest(revision=1 << 40, open=pb.Open(prefix="😀" * (MIB // 4), state=b"s" * 9999, limits=LIMITS)),
        pb.FollowRequest(revision=2, edit=pb.Edit(keep=1 << 50, insert="a" * MIB)),
        pb.ScoreRequest(text="a" * MIB, include_log_probabilities=True),
    ],
    ids=["complete", "open", "edit", "score"],
)
def test_the_largest_legal_requests_pass(request_: Any) -> None:
    check_shape(request_.DESCRIPTOR, request_.SerializeToString())


@pytest.mark.parametrize(
    ("kind", "request_", "words"),
    [
        (COMPLETE, pb.CompleteRequest(limits=pb.Limits(stop=[""] * MIB)), f"limits: {2 * MIB} bytes .* at most 8192 bytes"),
        (FOLLOW, pb.FollowRequest(open=pb.Open(limits=pb.Limits(stop=[""] * MIB))), f"limits: {2 * MIB} bytes"),
        (COMPLETE, pb.CompleteRequest(prefix="a" * (MIB + 1)), f"prefix: {MIB + 1} bytes .* at most {MIB} bytes"),
        (COMPLETE, pb.CompleteRequest(model=pb.Model(name="a" * LARGE)), f"model: {LARGE + 4} bytes"),
        (FOLLOW, pb.FollowRequest(edit=pb.Edit(insert="a" * (MIB + 1))), f"insert: {MIB + 1} bytes"),
    ],
    ids=["strings", "strings of an open", "prefix", "name", "insert"],
)
def test_what_is_too_large_is_refused_by_the_name_of_its_field(kind: Any, request_: Any, words: str) -> None:
    with pytest.raises(InvalidField, match=words):
        check_shape(kind, request_.SerializeToString())


def test_many_fields_and_unknown_large_ones_are_refused() -> None:
    with pytest.raises(InvalidField, match="request: more than 64 fields"):
        check_shape(COMPLETE, pb.CompleteRequest(prefix="a").SerializeToString() * LARGE)
    unknown = bytes([(99 << 3 | 2) & 127 | 128, 99 << 3 >> 7]) + b"\xff\xff\x03" + bytes(0xFFFF)
    with pytest.raises(InvalidField, match="field 99: 65535 bytes"):
        check_shape(COMPLETE, unknown)


@given(st.binary(max_size=40), st.integers(0, 39), st.integers(0, 255))
@example(b"\xff" * 11, 0, 255)  # a number without an end
@settings(max_examples=300)
def test_bytes_that_are_no_message_raise_nothing_else(noise: bytes, place: int, byte: int) -> None:
    legal = bytearray(pb.CompleteRequest(prefix="a" * LARGE, limits=LIMITS).SerializeToString())
    legal[place] = byte
    for data in (bytes(legal), noise + bytes(legal)):
        try:
            check_shape(COMPLETE, data)
        except (InvalidField, DecodeError):
            continue
