"""What a CompleteRequest means: every field checked once, made canonical, and turned into jobs. Knows no transport."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from elman.allowed import ALTERNATIVES, FIRST_ALTERNATIVE
from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import Amount, InvalidField
from elman_models.execution.protocol import NOTHING, Start
from elman_models.law.artifact import Model
from elman_models.law.ghost import is_word_character
from elman_models.law.sampling import LARGEST_SEED, Sampling
from elman_models.law.state import LARGEST_POSITION, State, pack, remembered, unpack
from elman_server.engine.asker import Effort
from elman_server.engine.ending import Reason
from elman_server.engine.job import GIVEN_TO_A_STEP, Job, Progress
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.requests.limits import DEFAULT_MAX_CHARACTERS, Limits
from elman_server.requests.words import confidence_in_words, sampling_in_words

LARGEST_TEXT_BYTES = 1 << 20

Tell: TypeAlias = Callable[[Progress], None]
Event: TypeAlias = pb.Piece | pb.Finished
SAMPLING_FIELDS = ("temperature", "top_k", "top_p", "min_p")
REASONS = {
    Reason.LENGTH: pb.FINISH_REASON_LENGTH,
    Reason.STOP: pb.FINISH_REASON_STOP,
    Reason.CONFIDENCE: pb.FINISH_REASON_CONFIDENCE,
}


class CheckedCompletion(NamedTuple):
    """A CompleteRequest whose every field has been checked."""

    served: Served
    state: State
    prefix_characters: int
    received: str
    sampling: Sampling
    seed: int
    limits: Limits
    alternatives: range
    characters: NDArray[np.int32]  # the prefix in the model's vocabulary
    unknown_characters: int  # those of the prefix that the vocabulary lacks
    is_accounted: bool  # whether log-probabilities go with the pieces
    includes_state: bool = True  # whether Finished holds the state

    @classmethod
    def of(cls, request: pb.CompleteRequest, catalogue: Catalogue) -> "CheckedCompletion":
        """Check every field. Raises Refused."""
        served = catalogue.resolve(request.model, request.state)
        state = unpack(request.state, served.model)
        check_bytes("prefix", request.prefix)
        sampling, seed = check_sampling(request.sampling)
        limits = Limits.of(request.limits, served.model.tables)
        check_position(state, len(request.prefix) + limits.max_characters)
        alternatives = check_alternatives(request, sampling, len(served.model.vocabulary))
        check_received(request, served.model, limits)
        received, is_accounted = request.already_received, request.include_log_probabilities
        characters = served.model.vocabulary.encode(request.prefix)
        unknown = served.model.vocabulary.unknowns(characters)
        return cls(
            served,
            state,
            len(request.prefix),
            received,
            sampling,
            seed,
            limits,
            alternatives,
            characters,
            unknown,
            is_accounted,
        )

    def after(self, state: State, prefix: str) -> "CheckedCompletion":
        """The same, asked of another state and prefix."""
        vocabulary = self.served.model.vocabulary
        characters = vocabulary.encode(prefix)
        unknown = vocabulary.unknowns(characters)
        return self._replace(state=state, prefix_characters=len(prefix), characters=characters, unknown_characters=unknown)

    def without_text(self) -> "CheckedCompletion":
        """The same, once the jobs have what is to be consumed: what there is to say holds no text."""
        return self._replace(characters=NOTHING)

    @property
    def held_bytes(self) -> int:
        """What the characters to be consumed take until they are."""
        return self.characters.nbytes + len(self.state.remembered) + 4 * len(self.received)

    @property
    def start_position(self) -> int:
        """The position of the completion's first character."""
        return self.state.position + self.prefix_characters

    @property
    def _is_in_word(self) -> bool:
        """Whether the text ends with a character of a word, as far as the model recalls."""
        model = self.served.model
        before = remembered(model, self.state.remembered[-1:], self.characters[-1:])
        last = int(before[-1]) if len(before) else model.vocabulary.unknown
        return last != model.vocabulary.unknown and is_word_character(model.vocabulary.characters[last])

    def jobs(self, tell: Tell) -> list[Job]:
        """A job for each alternative."""
        return [self._job(alternative, tell) for alternative in self.alternatives]

    def submission(self, jobs: Sequence[Job], tell: Tell) -> Sequence[Job]:
        """What to submit: a single job with its prefix, or one that consumes the prefix for all."""
        if len(jobs) > 1 and self.prefix_characters:
            return [Job(self.served.model, Start(self.state), tell, skipped=self.characters, alternatives=jobs)]
        jobs[0].prepend(self.characters)
        return jobs

    def _job(self, alternative: int, tell: Tell) -> Job:
        weighs = self.limits.largest_surprise is not None
        first_rank = alternative if self.sampling.is_greedy and not self.received else 0
        start = Start(self.state, self.sampling, self.seed, alternative, first_rank, self.is_accounted or weighs)
        received = self.served.model.vocabulary.encode(self.received) if self.received else NOTHING
        skipped, scored = (NOTHING, received) if weighs else (received, NOTHING)  # scored: it counts for min_confidence
        return Job(self.served.model, start, tell, skipped, scored, self.limits.ending(self.received, self._is_in_word))

    def started(self) -> pb.CompleteResponse:
        """The first event, which holds what repeats the completion."""
        model = model_of(self.served)
        return pb.CompleteResponse(started=pb.Started(model=model, seed=self.seed, start_position=self.start_position))

    def responses(self, progress: Progress) -> list[pb.CompleteResponse]:
        """The responses that tell of the progress."""
        return [
            pb.CompleteResponse(piece=event) if isinstance(event, pb.Piece) else pb.CompleteResponse(finished=event)
            for event in self.events(progress)
        ]

    def events(self, progress: Progress) -> list[Event]:
        """The events that tell of the progress."""
        events: list[Event] = []
        if progress.text:
            events.append(self._piece(progress))
        if progress.state is not None and progress.reason is not None:
            events.append(self._finished(progress.job, progress.state, progress.reason))
        return events

    def _piece(self, progress: Progress) -> pb.Piece:
        position = self.start_position + progress.place
        piece = pb.Piece(text=progress.text, alternative=progress.job.start.alternative, position=position)
        if self.is_accounted:
            piece.log_probabilities.extend(progress.log_probabilities)
        return piece

    def _finished(self, job: Job, state: State, reason: Reason) -> pb.Finished:
        timing = job.timing
        usage = pb.Usage(
            consumed_characters=self.prefix_characters + len(self.received),
            spared_characters=self.state.position,
            unknown_characters=self.unknown_characters,
            generated_characters=job.sent - job.received,
            queue_seconds=timing.queue_seconds,
            prime_seconds=timing.prime_seconds,
            decode_seconds=timing.decode_seconds,
            recalled_characters=job.recalled if job.start.is_accounted else None,
        )
        data = pack(state, self.served.model) if self.includes_state else b""
        return pb.Finished(alternative=job.start.alternative, reason=REASONS[reason], state=data, usage=usage)

    def canonical(self) -> dict[str, Any]:
        """What, with the text, repeats this completion: for logs, which hold no text."""
        sampling, limits = self.sampling, self.limits
        return {
            "digest": self.served.model.digest,
            "seed": self.seed,
            **sampling_in_words(sampling),
            "max_characters": limits.max_characters,
            "stop_strings": len(limits.stops),
            "min_confidence": confidence_in_words(limits.largest_surprise, self.served.model.tables),
            "start_position": self.start_position,
            "prefix_characters": self.prefix_characters,
            "unknown_characters": self.unknown_characters,
            "received_characters": len(self.received),
            "first_alternative": self.alternatives.start,
            "alternatives": len(self.alternatives),
        }


def effort_of(request: pb.CompleteRequest) -> Effort:
    """About what a request asks of the engine, before it is checked: an illegal one is told so where there is time."""
    limits = request.limits
    drawn = limits.max_characters if limits.HasField("max_characters") else DEFAULT_MAX_CHARACTERS
    left = max(1, drawn - len(request.already_received))
    given = len(request.prefix) // GIVEN_TO_A_STEP
    ends_early = limits.stop or limits.HasField("min_confidence")
    return Effort(given + left * max(1, request.alternatives), given + (1 if ends_early else left))


def model_of(served: Served) -> pb.Model:
    """The model's name and digest."""
    return pb.Model(name=served.name, digest=served.model.digest)


def check_bytes(field: str, text: str) -> None:
    """Raise InvalidField for a text of more than 1 MiB of UTF-8."""
    size = len(text.encode())
    if size > LARGEST_TEXT_BYTES:
        raise InvalidField(field, Amount(f"{size} bytes"), f"at most {LARGEST_TEXT_BYTES} bytes of UTF-8")


def check_sampling(sampling: pb.Sampling) -> tuple[Sampling, int]:
    """The canonical parameters and the seed, drawn if there is none. Raises InvalidField."""
    given = {name: getattr(sampling, name) for name in SAMPLING_FIELDS if sampling.HasField(name)}
    return Sampling.of(**given), sampling.seed if sampling.HasField("seed") else secrets.randbelow(LARGEST_SEED + 1)


def check_position(state: State, characters: int) -> None:
    """Raise InvalidField if the text would outgrow its positions."""
    if state.position + characters > LARGEST_POSITION:
        raise InvalidField("state", state.position, f"positions that stay below 2^62 after {characters} more characters")


def check_alternatives(request: pb.CompleteRequest, sampling: Sampling, outputs: int) -> range:
    """The numbers of the alternatives. Raises InvalidField."""
    count = request.alternatives if request.HasField("alternatives") else 1
    first = request.first_alternative
    if count not in ALTERNATIVES:
        raise InvalidField("alternatives", count, str(ALTERNATIVES))
    if first + count - 1 not in FIRST_ALTERNATIVE:  # otherwise the last ones could not be resumed alone
        raise InvalidField("first_alternative", first, f"{FIRST_ALTERNATIVE}, the last alternative's number included")
    if sampling.is_greedy and first + count > outputs:
        allowed = f"together at most {outputs} at temperature 0, one for each character that the model can produce"
        raise InvalidField("first_alternative + alternatives", first + count, allowed)
    return range(first, first + count)


def check_received(request: pb.CompleteRequest, model: Model, limits: Limits) -> None:
    """Raise InvalidField unless what was received, if anything, can be resumed."""
    if not request.already_received:
        return
    if request.alternatives > 1:
        raise InvalidField("alternatives", request.alternatives, "1 with already_received; ask for each alternative alone")
    if not request.sampling.HasField("seed"):
        raise InvalidField("seed", Amount("absent"), "the seed of the stream that broke, with already_received")
    if not request.model.digest:
        raise InvalidField("model.digest", Amount("absent"), "the digest of the stream that broke, with already_received")
    limits.check_received(request.already_received, model.vocabulary)
