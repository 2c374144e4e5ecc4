"""What a ScoreRequest means, checked and turned into a job. Knows no transport."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elman.v1 import completion_service_pb2 as pb
from elman_models.errors import Amount, InvalidField
from elman_models.execution.protocol import Start
from elman_models.law.state import State, pack, unpack
from elman_server.engine.job import Job
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.requests.completion import Tell, check_bytes, check_position

MOST_CHARACTERS = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """A ScoreRequest whose every field has been checked."""

    served: Served
    state: State
    text: str
    is_accounted: bool  # whether the response holds each character's log-probability

    @classmethod
    def of(cls, request: pb.ScoreRequest, catalogue: Catalogue) -> "Scoring":
        """Check every field. Raises Refused."""
        served = catalogue.resolve(request.model, request.state)
        state = unpack(request.state, served.model)
        if len(request.text) > MOST_CHARACTERS:
            raise InvalidField("text", Amount(f"{len(request.text)} characters"), f"at most {MOST_CHARACTERS} characters")
        check_bytes("text", request.text)
        check_position(state, len(request.text))
        return cls(served, state, request.text, request.include_log_probabilities)

    def job(self, tell: Tell) -> Job:
        """The job to submit; the text must not be empty."""
        model = self.served.model
        return Job(model, Start(self.state), tell, scored=model.vocabulary.encode(self.text))

    def response(self, log_probabilities: Sequence[float], state: State) -> pb.ScoreResponse:
        """What the model makes of the text."""
        vocabulary = self.served.model.vocabulary
        return pb.ScoreResponse(
            characters=len(self.text),
            unknown_characters=vocabulary.unknowns(vocabulary.encode(self.text)),
            total_log_probability=math.fsum(log_probabilities),
            log_probabilities=log_probabilities if self.is_accounted else (),
            state=pack(state, self.served.model),
        )

    def canonical(self) -> dict[str, Any]:
        """What, with the text, repeats the call: for logs, which hold no text."""
        return {
            "digest": self.served.model.digest,
            "start_position": self.state.position,
            "prefix_characters": len(self.text),
        }
