"""A CompleteRequest as it is understood: what is refused by which words, what jobs come of it, and what is told of them."""

from typing import Any

import numpy as np
import pytest

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import InvalidField
from elman_models.law.artifact import Model
from elman_models.law.sampling import Sampling
from elman_models.law.state import LARGEST_POSITION, State, pack
from elman_server.engine.ending import Reason
from elman_server.engine.job import Progress
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.requests.completion import CheckedCompletion

MIB = 1 << 20


@pytest.fixture(scope="module")
def catalogue(model: Model) -> Catalogue:
    return Catalogue([Served("one", model)])


def asked(catalogue: Catalogue, **given: Any) -> CheckedCompletion:
    sampling = given.pop("sampling", pb.Sampling(seed=3))
    return CheckedCompletion.of(pb.CompleteRequest(sampling=sampling, **given), catalogue)


def ignore(_: Progress) -> None:
    """Nobody is told."""


def state_at(model: Model, position: int) -> bytes:
    return pack(State(model.initial_state, position, np.zeros(min(position, model.recall.window), np.uint8)), model)


def received(model: Model, /, **given: Any) -> dict[str, Any]:
    """A request that goes on after a break."""
    return {"model": pb.Model(digest=model.digest), "already_received": "ab", **given}


def test_what_is_not_given_has_its_default(catalogue: Catalogue, model: Model) -> None:
    plain = asked(catalogue, prefix="ab☂")
    assert (plain.served.name, plain.state.position, plain.prefix_characters, plain.received) == ("one", 0, 3, "")
    assert (plain.sampling, plain.seed, plain.alternatives) == (Sampling.of(), 3, range(1))
    assert (plain.limits.max_characters, plain.limits.stops, plain.limits.largest_surprise) == (256, (), None)
    assert plain.characters.tolist() == model.vocabulary.encode("ab☂").tolist()
    assert (plain.unknown_characters, plain.is_accounted, plain.start_position) == (1, False, 3)


def test_every_sampling_parameter_is_taken(catalogue: Catalogue) -> None:
    given: dict[str, Any] = {"temperature": 0.5, "top_k": 3, "top_p": 0.5, "min_p": 0.25}
    assert asked(catalogue, sampling=pb.Sampling(**given)).sampling == Sampling.of(**given)
    assert asked(catalogue, sampling=pb.Sampling(temperature=0)).sampling.is_greedy


def test_a_seed_that_is_not_given_is_any_of_64_bits(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    def last_below(end: int) -> int:
        return end - 1

    monkeypatch.setattr("secrets.randbelow", last_below)
    assert asked(catalogue, sampling=pb.Sampling()).seed == 2**64 - 1
    assert asked(catalogue, sampling=pb.Sampling(seed=0)).seed == 0


def test_a_prefix_is_at_most_a_mebibyte_of_utf_8(catalogue: Catalogue) -> None:
    assert asked(catalogue, prefix="é" * (MIB // 2)).start_position == MIB // 2
    with pytest.raises(InvalidField, match=r"^prefix: 1048577 bytes .* at most 1048576 bytes of UTF-8$"):
        asked(catalogue, prefix="é" * (MIB // 2) + "a")


def test_a_text_never_outgrows_its_positions(catalogue: Catalogue, model: Model) -> None:
    limits, last = pb.Limits(max_characters=10), LARGEST_POSITION - 12
    assert asked(catalogue, prefix="ab", limits=limits, state=state_at(model, last)).start_position == last + 2
    with pytest.raises(InvalidField, match=rf"^state: {last + 1} .* positions that stay below 2\^62 after 12 more characters$"):
        asked(catalogue, prefix="ab", limits=limits, state=state_at(model, last + 1))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"alternatives": 0}, r"^alternatives: 0 .* 1 to 16$"),
    ({"alternatives": 17}, r"^alternatives: 17 .* 1 to 16$"),
    ({"first_alternative": 65536}, r"^first_alternative: 65536 .* 0 to 65535, the last alternative's number included$"),
    ({"first_alternative": 65535, "alternatives": 2}, r"^first_alternative: 65535 .* 0 to 65535"),
]


@pytest.mark.parametrize(("given", "words"), REFUSED)
def test_alternatives_out_of_range_are_named(catalogue: Catalogue, given: dict[str, int], words: str) -> None:
    with pytest.raises(InvalidField, match=words):
        asked(catalogue, **given)


def test_alternatives_are_numbered_from_the_first(catalogue: Catalogue) -> None:
    assert asked(catalogue, alternatives=16).alternatives == range(16)
    assert asked(catalogue, first_alternative=65534, alternatives=2).alternatives == range(65534, 65536)


def test_at_temperature_0_there_are_as_many_alternatives_as_characters(catalogue: Catalogue, model: Model) -> None:
    greedy, outputs = pb.Sampling(temperature=0), len(model.vocabulary)
    last = asked(catalogue, sampling=greedy, first_alternative=outputs - 2, alternatives=2)
    assert last.alternatives == range(outputs - 2, outputs)
    words = rf"^first_alternative \+ alternatives: {outputs + 1} .* together at most {outputs} at temperature 0, one for each "
    with pytest.raises(InvalidField, match=words):
        asked(catalogue, sampling=greedy, first_alternative=outputs - 1, alternatives=2)


def test_what_was_received_goes_on_alone_with_its_seed_and_its_model(catalogue: Catalogue, model: Model) -> None:
    assert asked(catalogue, **received(model)).received == "ab"
    assert asked(catalogue, **received(model, alternatives=1)).received == "ab"
    for given, words in (
        ({"alternatives": 2}, r"^alternatives: 2 .* 1 with already_received; ask for each alternative alone$"),
        ({"sampling": pb.Sampling()}, r"^seed: absent .* the seed of the stream that broke, with already_received$"),
        ({"model": pb.Model()}, r"^model.digest: absent .* the digest of the stream that broke, with already_received$"),
        ({"already_received": "☂"}, r"^already_received: .* characters that the model can produce$"),
    ):
        with pytest.raises(InvalidField, match=words):
            asked(catalogue, **received(model, **given))


def test_the_same_may_be_asked_after_another_text(catalogue: Catalogue, model: Model) -> None:
    pattern = asked(catalogue, prefix="☂")
    state = State(model.initial_state, 7)
    after = pattern.after(state, "☂☂a")
    assert (after.state, after.prefix_characters, after.unknown_characters, after.start_position) == (state, 3, 2, 10)
    assert after.characters.tolist() == model.vocabulary.encode("☂☂a").tolist()
    assert (after.seed, after.limits) == (pattern.seed, pattern.limits)


def test_there_is_a_job_for_each_alternative(catalogue: Catalogue, model: Model) -> None:
    three = asked(catalogue, first_alternative=4, alternatives=3, sampling=pb.Sampling(seed=9, top_k=2))
    jobs = three.jobs(ignore)
    assert [job.start.alternative for job in jobs] == [4, 5, 6]
    for job in jobs:
        assert (job.start.seed, job.start.first_rank, job.start.is_accounted) == (9, 0, False)
        assert (job.start.sampling, job.start.state, job.given, job.left) == (three.sampling, three.state, 0, 256)
        assert job.tell is ignore


@pytest.mark.parametrize("alternatives", [1, 2])
def test_at_temperature_0_the_first_characters_take_the_ranks_in_turn(catalogue: Catalogue, alternatives: int) -> None:
    jobs = asked(catalogue, sampling=pb.Sampling(temperature=0), first_alternative=3, alternatives=alternatives).jobs(ignore)
    assert [job.start.first_rank for job in jobs] == [3, 4][:alternatives]


def test_the_first_character_of_what_goes_on_was_drawn_before(catalogue: Catalogue, model: Model) -> None:
    (job,) = asked(catalogue, **received(model, first_alternative=3, sampling=pb.Sampling(temperature=0, seed=1))).jobs(ignore)
    assert (job.start.alternative, job.start.first_rank, job.received) == (3, 0, 2)


@pytest.mark.parametrize(
    ("limits", "accounts", "is_accounted"),
    [({}, False, False), ({}, True, True), ({"min_confidence": 0.5}, False, True), ({"min_confidence": 0.5}, True, True)],
)
def test_surprises_are_counted_only_where_they_are_needed(
    catalogue: Catalogue, limits: dict[str, Any], accounts: bool, is_accounted: bool
) -> None:
    (job,) = asked(catalogue, limits=pb.Limits(**limits), include_log_probabilities=accounts).jobs(ignore)
    assert job.start.is_accounted is is_accounted


@pytest.mark.parametrize("limits", [{}, {"min_confidence": 0.5}])
def test_what_was_received_is_consumed_after_the_prefix_and_weighed_if_surprises_count(
    catalogue: Catalogue, model: Model, limits: dict[str, Any]
) -> None:
    encoded = model.vocabulary.encode
    broken = asked(catalogue, **received(model, prefix="fed", limits=pb.Limits(**limits)))
    jobs = broken.jobs(ignore)
    (job,) = broken.submission(jobs, ignore)
    assert job is jobs[0]
    assert job.skipped.tolist() == [*encoded("fed"), *([] if limits else encoded("ab"))]
    assert job.scored.tolist() == (encoded("ab").tolist() if limits else [])


def test_one_job_consumes_the_prefix_for_all_alternatives(catalogue: Catalogue, model: Model) -> None:
    two = asked(catalogue, prefix="fed", alternatives=2)
    jobs = two.jobs(ignore)
    (job,) = two.submission(jobs, ignore)
    assert (list(job.alternatives), job.ending, job.start.state) == (jobs, None, two.state)
    assert job.skipped.tolist() == model.vocabulary.encode("fed").tolist()
    bare = asked(catalogue, alternatives=2)
    jobs = bare.jobs(ignore)
    assert list(bare.submission(jobs, ignore)) == jobs
    alone = asked(catalogue, prefix="fed")
    (job,) = alone.submission(alone.jobs(ignore), ignore)
    assert (job.skipped.tolist(), job.alternatives) == (model.vocabulary.encode("fed").tolist(), ())


def told(completion: CheckedCompletion, **given: Any) -> list[Any]:
    (job,) = completion.jobs(ignore)
    return completion.events(Progress(job, **given))


def test_the_first_event_names_the_model_and_the_place(catalogue: Catalogue, model: Model) -> None:
    started = asked(catalogue, prefix="fed", state=state_at(model, 4)).started()
    named = pb.Model(name="one", digest=model.digest)
    assert started == pb.CompleteResponse(started=pb.Started(model=named, seed=3, start_position=7))


@pytest.mark.parametrize("accounts", [False, True])
def test_a_piece_tells_its_place_and_log_probabilities_if_wanted(catalogue: Catalogue, accounts: bool) -> None:
    wanted = asked(catalogue, prefix="fed", first_alternative=2, include_log_probabilities=accounts)
    (piece,) = told(wanted, place=5, text="ab", log_probabilities=[-1.0, -2.0])
    expected = pb.Piece(text="ab", alternative=2, position=8, log_probabilities=[-1.0, -2.0] if accounts else [])
    assert piece == expected
    assert told(wanted) == []


def test_an_end_tells_reason_state_and_usage(catalogue: Catalogue, model: Model) -> None:
    broken = asked(catalogue, **received(model, prefix="fe☂", state=state_at(model, 4), first_alternative=2))
    (job,) = broken.jobs(ignore)
    job.sent = 9
    end = State(model.initial_state, 16)
    (finished,) = broken.events(Progress(job, state=end, reason=Reason.STOP))
    assert isinstance(finished, pb.Finished)
    assert (finished.alternative, finished.reason, finished.state) == (2, pb.FINISH_REASON_STOP, pack(end, model))
    (without,) = broken._replace(includes_state=False).events(Progress(job, state=end, reason=Reason.STOP))
    assert isinstance(without, pb.Finished)
    assert (without.reason, without.state) == (pb.FINISH_REASON_STOP, b"")
    usage = finished.usage
    counted = (usage.consumed_characters, usage.spared_characters, usage.unknown_characters, usage.generated_characters)
    assert counted == (5, 4, 1, 7)
    assert usage.queue_seconds > 0
    assert (usage.prime_seconds, usage.decode_seconds) == (0, 0)
    assert not usage.HasField("recalled_characters")
    assert broken.events(Progress(job, state=end)) == []  # what only consumes has no reason


@pytest.mark.parametrize("asked_for", [{"include_log_probabilities": True}, {"limits": pb.Limits(min_confidence=0.5)}])
def test_what_was_recalled_is_told_where_it_was_counted(catalogue: Catalogue, model: Model, asked_for: dict[str, Any]) -> None:
    wanted = asked(catalogue, **asked_for)
    (job,) = wanted.jobs(ignore)
    for count in (0, 3):
        job.recalled = count
        (finished,) = wanted.events(Progress(job, state=State.initial(model), reason=Reason.STOP))
        assert isinstance(finished, pb.Finished)
        assert finished.usage.HasField("recalled_characters")
        assert finished.usage.recalled_characters == count


@pytest.mark.parametrize(
    ("reason", "name"), [(Reason.LENGTH, "LENGTH"), (Reason.STOP, "STOP"), (Reason.CONFIDENCE, "CONFIDENCE")]
)
def test_every_reason_has_its_name(catalogue: Catalogue, model: Model, reason: Reason, name: str) -> None:
    (finished,) = told(asked(catalogue), state=State.initial(model), reason=reason)
    assert finished.reason == pb.FinishReason.Value(f"FINISH_REASON_{name}")


def test_text_and_end_are_told_in_this_order_as_responses(catalogue: Catalogue, model: Model) -> None:
    wanted = asked(catalogue)
    (job,) = wanted.jobs(ignore)
    responses = wanted.responses(Progress(job, text="a", state=State.initial(model), reason=Reason.LENGTH))
    assert [response.WhichOneof("event") for response in responses] == ["piece", "finished"]
    assert responses[0].piece.text == "a"
    assert responses[1].finished.reason == pb.FINISH_REASON_LENGTH


def test_what_repeats_a_completion_is_logged_without_its_text(catalogue: Catalogue, model: Model) -> None:
    sampling: dict[str, Any] = {"temperature": 0.5, "top_k": 3, "top_p": 0.5, "min_p": 0.25, "seed": 8}
    limits = pb.Limits(max_characters=9, stop=["x", "yz"], min_confidence=0.5)
    wanted = asked(
        catalogue,
        **received(model, prefix="fe☂", state=state_at(model, 4), sampling=pb.Sampling(**sampling), limits=limits),
        first_alternative=2,
    )
    assert wanted.canonical() == {
        "digest": model.digest,
        "seed": 8,
        "temperature": 0.5,
        "top_k": 3,
        "top_p": 0.5,
        "min_p": 0.25,
        "max_characters": 9,
        "stop_strings": 2,
        "min_confidence": 0.5,
        "start_position": 7,
        "prefix_characters": 3,
        "unknown_characters": 1,
        "received_characters": 2,
        "first_alternative": 2,
        "alternatives": 1,
    }
