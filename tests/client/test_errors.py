"""Every status has an error, every error an exit code and a line in the tree."""

import re

import grpc
import pytest

from elman import errors
from elman.errors import BackOff, ElmanError, GoElsewhere, NeverRetry, ReportDefect, from_engine, from_status
from elman_models.errors import ArtifactError, InvalidField, WrongModel


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = re.findall(r"─ (\w+) +(\d+)(?:   ([A-Z_]+) )?", errors.__doc__ or "")
    real = [(each.__name__, str(each.exit_code), each.status) for each in ElmanError.__subclasses__()]
    assert drawn == real


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = [each.exit_code for each in (ElmanError, *ElmanError.__subclasses__())]
    assert len(codes) == len(set(codes))
    assert 0 not in codes


@pytest.mark.parametrize("status", [code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_means_an_error_of_the_tree(status: str) -> None:
    error = from_status(status, "words")
    assert type(error) in ElmanError.__subclasses__()
    assert str(error) == "words"


@pytest.mark.parametrize("each", [each for each in ElmanError.__subclasses__() if each.status], ids=lambda each: each.__name__)
def test_an_error_is_what_its_own_status_means(each: type[ElmanError]) -> None:
    pushback = 1.0 if each is BackOff else None
    assert type(from_status(each.status, "", pushback)) is each


def test_a_full_queue_is_retried_and_a_large_message_never() -> None:
    assert from_status("RESOURCE_EXHAUSTED", "", 0.5).may_be_retried
    assert type(from_status("RESOURCE_EXHAUSTED", "")) is NeverRetry
    assert not NeverRetry.may_be_retried


@pytest.mark.parametrize("status", ["INTERNAL", "UNKNOWN", "RESOURCE_EXHAUSTED"])
def test_a_reset_stream_is_a_broken_one_under_any_status(status: str) -> None:
    assert type(from_status(status, "Received RST_STREAM with error code 11")) is GoElsewhere


def test_an_unknown_status_is_a_defect() -> None:
    assert type(from_status("SOMETHING_NEW", "")) is ReportDefect


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (InvalidField("top_p", 0, "above 0"), "INVALID_ARGUMENT"),
        (WrongModel("another"), "FAILED_PRECONDITION"),
        (ArtifactError("damaged"), "NOT_FOUND"),
    ],
)
def test_what_the_engine_refuses_means_the_same_as_over_a_wire(refusal: Exception, status: str) -> None:
    error = from_engine(refusal)
    assert error is not None
    assert (error.status, str(error)) == (status, str(refusal))


def test_a_defect_is_not_a_refusal() -> None:
    assert from_engine(KeyError("x")) is None
