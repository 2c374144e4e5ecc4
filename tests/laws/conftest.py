"""LAW.md once more, for the tests: plain integers and single float32 operations, one character at a time.

The oracle shares no code with the executions, the engine or the state; it takes a model's numbers and a request, nothing else.
"""

import hashlib
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import mul
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from elman.v1 import completion_service_pb2 as pb
from elman_models.law.artifact import Model
from elman_server.embedded import ROWS, Embedded
from elman_server.engine.engine import Engine
from elman_server.engine.job import Job, Progress
from elman_server.engine.pace import Allowance, Pace, TickKind
from elman_server.requests.catalogue import Catalogue, Served
from elman_server.requests.completion import CheckedCompletion

if TYPE_CHECKING:
    from tests.conftest import MakeExecution

WORD = 1 << 32
REASONS = {"LENGTH": pb.FINISH_REASON_LENGTH, "STOP": pb.FINISH_REASON_STOP, "CONFIDENCE": pb.FINISH_REASON_CONFIDENCE}


class Place(NamedTuple):
    """The outputs of all layers, the position, and the last characters of the text, as many as are recalled."""

    outputs: tuple[int, ...]
    position: int
    text: tuple[int, ...] = ()


class Favourite(NamedTuple):
    """The character that recall favours, and its odds in 1/65536."""

    character: int
    odds: int


NOBODY = Favourite(0, 0)


@dataclass(frozen=True, slots=True)
class Told:
    """One alternative as its caller sees it; the log-probabilities stand outside the byte law."""

    text: str
    reason: int
    state: bytes
    log_probabilities: tuple[float, ...] = field(default=(), compare=False)
    pieces: tuple[str, ...] = field(default=(), compare=False)


class Canonical(NamedTuple):
    """Sampling parameters as integers."""

    inverse_temperature: int
    top_k: int
    top_p: int
    min_p: int

    @classmethod
    def of(cls, sampling: pb.Sampling) -> "Canonical":
        temperature = sampling.temperature if sampling.HasField("temperature") else 0.8
        top_p = sampling.top_p if sampling.HasField("top_p") else 1.0
        inverse = round(65536 / temperature) if temperature else 0
        return cls(inverse, sampling.top_k, round(65536 * top_p), round(65536 * sampling.min_p))


class Oracle:
    """What the law says of a model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._characters = model.vocabulary.characters
        self._plain = dict(zip(model.vocabulary.variants, model.vocabulary.plain, strict=True))
        self._tanh = [int(value) for value in model.tables.tanh]
        self._exp = [int(value) for value in model.tables.exp]
        self._log = [int(value) for value in model.tables.log]
        self._weights = [[[int(w) for w in row] for row in layer.weight] for layer in model.layers]
        self._output = [[int(w) for w in row] for row in model.output.weight]

    def index(self, character: str) -> int:
        """The place in the vocabulary of the character or of its plain form, or UNK, the place after the last."""
        place = self._characters.find(self._plain.get(character, character))
        return place if place >= 0 else len(self._characters)

    def initial(self) -> Place:
        """The state after a newline from zeros, at position 0."""
        zeros = (0,) * sum(layer.size for layer in self.model.structure.layers)
        return Place(self.step(Place(zeros, 0), "\n").outputs, 0)

    def step(self, place: Place, character: str) -> Place:
        """h' = TANH[clamp(rint(fl(fl(M x * scale) + bias)))], layer by layer."""
        own = self._split(place.outputs)
        outputs: list[list[int]] = []
        for layer, weights, matrix, before in zip(
            self.model.structure.layers, self.model.layers, self._weights, own, strict=True
        ):
            x = [h for i in layer.inputs for h in outputs[i]] + before
            bias = weights.bias[self.index(character) if layer.reads_character else 0]
            reached = [affine(row, x, scale, one) for row, scale, one in zip(matrix, weights.scale, bias, strict=True)]
            outputs.append([self._tanh[min(max(a, -1024), 1024) + 1024] for a in reached])
        window = self.model.recall.window
        text = (*place.text, self.index(character))[-window:] if window else ()
        return Place(tuple(h for output in outputs for h in output), place.position + 1, text)

    def consume(self, place: Place, text: str) -> Place:
        """The place after the text."""
        for character in text:
            place = self.step(place, character)
        return place

    def logits(self, place: Place) -> list[int]:
        """q, in 1/256 nat."""
        own = self._split(place.outputs)
        x = [h for i in self.model.structure.output_inputs for h in own[i]]
        output = self.model.output
        q = [affine(row, x, scale, bias) for row, scale, bias in zip(self._output, output.scale, output.bias, strict=True)]
        return [min(max(one, -(2**20)), 2**20) for one in q]

    def _split(self, state: Sequence[int]) -> list[list[int]]:
        parts: list[list[int]] = []
        for layer in self.model.structure.layers:
            start = sum(map(len, parts))
            parts.append(list(state[start : start + layer.size]))
        return parts

    def favourite(self, place: Place) -> Favourite:
        """Recall: what followed the longest earlier run that is like the text's end, and the odds that it follows again."""
        t, p = place.text, len(place.text)
        lengths = {j: common_suffix(t, j) for j in range(p)}
        latest = [j for j in range(p) if lengths[j] >= 3][-64:]
        sources = [j for j in latest if not is_periodic(t, j)]
        if not sources:
            return NOBODY
        longest = max(lengths[j] for j in sources)
        source = max(j for j in sources if lengths[j] == longest)
        c = t[source]
        if c == len(self._characters):
            return NOBODY
        followers = [t[j] for j in sources if 2 * lengths[j] >= longest]
        rival = max([lengths[j] for j in sources if t[j] != c], default=0)
        recall = self.model.recall
        third = sum(10 * rival >= int(tenths) * longest for tenths in recall.rivals)
        fourth = sum(p - source >= int(bound) for bound in recall.distances)
        first = sum(longest >= int(bound) for bound in recall.lengths)
        return Favourite(c, int(recall.odds[first][self._agreement(followers.count(c), len(followers))][third][fourth]))

    def _agreement(self, same: int, total: int) -> int:
        recall = self.model.recall
        if same < total:
            return len(recall.unanimous) + 1 + sum(10 * same >= int(share) * total for share in recall.shares)
        return sum(same >= int(bound) for bound in recall.unanimous)

    def _weigh(self, q: Sequence[int], inverse_temperature: int, favourite: Favourite) -> list[int]:
        weights = [self._weight(((max(q) - one) * inverse_temperature) >> 16) for one in q]
        weights[favourite.character] += sum(weights) * favourite.odds >> 16
        return weights

    def rank(self, q: Sequence[int], favourite: Favourite) -> list[int]:
        """The characters by what they weigh at temperature 1."""
        return rank(q, self._weigh(q, 65536, favourite))

    def draw(self, q: Sequence[int], canonical: Canonical, u: int, favourite: Favourite) -> int:
        """Steps 1 to 3 of Sampling."""
        weights = self._weigh(q, canonical.inverse_temperature, favourite)
        ranking = rank(q, weights)[: canonical.top_k or None]
        left_by_top_k, before, nucleus = sum(weights[i] for i in ranking), 0, list[int]()
        for i in ranking:
            if before * 65536 >= canonical.top_p * left_by_top_k:
                break
            nucleus.append(i)
            before += weights[i]
        most = weights[ranking[0]]
        survivors = sorted(i for i in nucleus if weights[i] * 65536 >= canonical.min_p * most) or [ranking[0]]
        threshold, running = u * sum(weights[i] for i in survivors) >> 32, 0
        for i in survivors:
            running += weights[i]
            if running > threshold:
                return i
        raise AssertionError("the threshold lies below the sum")

    def surprise(self, place: Place, character: int) -> int:
        """In 1/256 nat, at temperature 1 without truncation."""
        q, favourite = self.logits(place), self.favourite(place)
        weights = self._weigh(q, 65536, favourite)
        depth, own = max(q) - q[character], weights[character]
        if favourite.odds and character == favourite.character:
            above = sum(entry <= own for entry in self._log)
            depth = -above if own > 2**24 else next(d for d, entry in enumerate([*self._exp, 0]) if entry <= own)
        return depth + sum(entry <= sum(weights) for entry in self._log)

    def log_probability(self, place: Place, character: int) -> float:
        """The natural logarithm of the probability at temperature 1."""
        q, favourite = self.logits(place), self.favourite(place)
        odds = favourite.odds / 65536
        plain = (q[character] - max(q)) / 256 - math.log(math.fsum(math.exp((one - max(q)) / 256) for one in q))
        if favourite.odds and character == favourite.character:
            return math.log((math.exp(plain) + odds) / (1 + odds))
        return plain - math.log1p(odds)

    def patience(self, confidence: float) -> int:
        """The largest d with EXP[d] >= rint(2^24 c)."""
        return max(d for d, entry in enumerate(self._exp) if entry >= round(2**24 * confidence))

    def _weight(self, d: int) -> int:
        return self._exp[d] if d < len(self._exp) else 0

    def complete(self, request: pb.CompleteRequest, alternative: int | None = None) -> Told:
        """What the caller is told of one alternative, the first by default."""
        return self.continue_from(self.consume(self.place(request.state), request.prefix), request, alternative)

    def continue_from(self, place: Place, request: pb.CompleteRequest, alternative: int | None = None) -> Told:
        """The same from where the prefix is already consumed."""
        number = request.first_alternative if alternative is None else alternative
        limits, received = request.limits, request.already_received
        most = limits.max_characters if limits.HasField("max_characters") else 256
        patience = self.patience(limits.min_confidence) if limits.HasField("min_confidence") else math.inf
        text, places, surprise, reported = "", [place], 0, list[float]()
        while True:
            if len(text) == most:
                return self._told(text, "LENGTH", len(text), places, request, reported)
            is_given = len(text) < len(received)
            drawn = self._choose(places[-1], number, not text, request)
            character = self.index(received[len(text)]) if is_given else drawn
            surprise += self.surprise(places[-1], character)
            if surprise > patience:
                for unread in received[len(text) :]:
                    places.append(self.step(places[-1], unread))
                return self._told(text, "CONFIDENCE", max(len(text), len(received)), places, request, reported)
            text += self._characters[character]
            reported += [] if is_given else [self.log_probability(places[-1], character)]
            places.append(self.step(places[-1], text[-1]))
            if matches := [stop for stop in limits.stop if text.endswith(stop)]:
                sent = max(len(text) - max(map(len, matches)), len(received))
                return self._told(text, "STOP", sent, places, request, reported)

    def _choose(self, place: Place, alternative: int, is_first: bool, request: pb.CompleteRequest) -> int:
        canonical, q, favourite = Canonical.of(request.sampling), self.logits(place), self.favourite(place)
        if canonical.inverse_temperature == 0:
            return self.rank(q, favourite)[alternative if is_first else 0]
        seed, position = request.sampling.seed, place.position
        u = philox((position % WORD, position // WORD, alternative, 0), (seed % WORD, seed // WORD))[0]
        return self.draw(q, canonical, u, favourite)

    def _told(
        self, text: str, reason: str, sent: int, places: Sequence[Place], request: pb.CompleteRequest, reported: list[float]
    ) -> Told:
        received = len(request.already_received)
        return Told(text[received:sent], REASONS[reason], self.pack(places[sent]), tuple(reported[: sent - received]))

    def place(self, state: bytes) -> Place:
        """What state bytes say."""
        if not state:
            return self.initial()
        outputs, text = state[26 : 26 + len(self.initial().outputs)], state[26 + len(self.initial().outputs) : -8]
        width = self._width()
        characters = (int.from_bytes(text[at : at + width], "little") for at in range(0, len(text), width))
        signed = tuple(byte - 256 if byte > 127 else byte for byte in outputs)
        return Place(signed, int.from_bytes(state[18:26], "little"), tuple(characters))

    def _width(self) -> int:
        return 1 if len(self._characters) < 256 else 4

    def pack(self, place: Place) -> bytes:
        """Format, semantics version, digest (16 bytes), position, int8 outputs, last characters, checksum."""
        body = bytes([2, 2]) + bytes.fromhex(self.model.digest)[:16] + place.position.to_bytes(8, "little")
        body += bytes(h % 256 for h in place.outputs)
        body += b"".join(character.to_bytes(self._width(), "little") for character in place.text)
        return body + hashlib.sha256(body).digest()[:8]

    def score(self, place: Place, text: str) -> float:
        """The sum of the text's log-probabilities; UNK is charged ln(1,114,112)."""
        total = 0.0
        for character in text:
            index = self.index(character)
            is_known = index < len(self._characters)
            total += self.log_probability(place, index) if is_known else -math.log(1_114_112)
            place = self.step(place, character)
        return total


def affine(row: Iterable[int], x: Iterable[int], scale: np.float32, bias: np.float32) -> int:
    """rint(fl(fl(acc * scale) + bias)): four roundings at most, each of its own."""
    product = np.float32(np.float32(sum(map(mul, row, x))) * scale)
    return round(float(np.float32(product + bias)))


def rank(q: Sequence[int], weights: Sequence[int]) -> list[int]:
    """The characters by (w descending, q descending, index ascending)."""
    return sorted(range(len(q)), key=lambda i: (-weights[i], -q[i], i))


def common_suffix(t: Sequence[int], j: int) -> int:
    """How many characters before j and before the text's end are the same, at most 32."""
    length = 0
    while length < min(j, 32) and t[j - length - 1] == t[len(t) - length - 1]:
        length += 1
    return length


def is_periodic(t: Sequence[int], j: int) -> bool:
    """Whether what follows j has just been repeated."""
    distance = len(t) - j
    return distance <= 512 and distance <= j and t[j - distance : j] == t[j:]


def philox(counter: Sequence[int], key: Sequence[int]) -> tuple[int, int, int, int]:
    """Philox4x32-10, by its paper."""
    (a, b, c, d), (low, high) = counter, key
    for _ in range(10):
        high_a, low_a = divmod(0xD2511F53 * a, WORD)
        high_c, low_c = divmod(0xCD9E8D57 * c, WORD)
        a, b, c, d = high_c ^ b ^ low, low_c, high_a ^ d ^ high, low_a
        low, high = (low + 0x9E3779B9) % WORD, (high + 0xBB67AE85) % WORD
    return a, b, c, d


class Everyone(Allowance):
    """Moves every text, however long its prefix."""

    def moves(self, job: Job) -> bool:
        """Each."""
        return True


class FixedPace(Pace):
    """A pace that a test chose: a number of given characters, then a number of draws, in every tick."""

    def __init__(self, run: int, draws: int) -> None:
        super().__init__()
        self._allowance = Everyone(TickKind.DRAW, run, draws)

    def allowance(self, jobs: Sequence[Job]) -> Allowance:
        """The same for every tick."""
        return self._allowance


class Visits:
    """Counts the situations that a state machine comes into, so that a law is not said to hold where it was never tried."""

    def __init__(self) -> None:
        self._counts = Counter[str]()

    def note(self, situation: str, is_so: bool = True) -> None:
        """Here it is, if it is."""
        self._counts[situation] += is_so

    def run(self, machine: Any, examples: settings, *situations: str) -> None:
        """Run rounds of examples, one or up to twenty, until each situation was visited. Fail if one never comes.

        Where examples are not drawn by chance, as in CI, each round has its own.
        """
        never: list[str] = []
        for number in range(20):
            one: Any = seed(number)(partial(machine)) if examples.derandomize else machine
            run_state_machine_as_test(one, settings=examples)
            never = [situation for situation in situations if not self._counts[situation]]
            if not never:
                return
        raise AssertionError(f"never visited: {never}; visited: {dict(self._counts)}")


MakeOracle: TypeAlias = Callable[[Model], Oracle]
MakeEmbedded: TypeAlias = Callable[..., Embedded]
MakeTogether: TypeAlias = Callable[[Model, int, int], "Together"]
Ask: TypeAlias = Callable[[Embedded, pb.CompleteRequest], list[Told]]
CompletionRequests: TypeAlias = Callable[..., "st.SearchStrategy[pb.CompleteRequest]"]


def ask_for_all(embedded: Embedded, request: pb.CompleteRequest) -> list[Told]:
    """What the caller is told of each alternative, in their order."""
    return told_by(list(embedded.complete(request)))


def told_by(events: Sequence[pb.CompleteResponse]) -> list[Told]:
    """What these events tell of each alternative, in their order."""
    finished = sorted((event.finished for event in events if event.HasField("finished")), key=lambda one: one.alternative)
    told: list[Told] = []
    for end in finished:
        pieces = [event.piece for event in events if event.HasField("piece") and event.piece.alternative == end.alternative]
        texts = tuple(piece.text for piece in pieces)
        reported = tuple(value for piece in pieces for value in piece.log_probabilities)
        told.append(Told("".join(texts), end.reason, end.state, reported, texts))
    return told


class Together:
    """An engine that is asked for several completions at once: whatever rows there are begin them in the same tick."""

    def __init__(self, model: Model, make_execution: "MakeExecution", run: int, draws: int) -> None:
        self._catalogue = Catalogue([Served("tiny", model)])
        self._engine = Engine({model.digest: make_execution(model, ROWS)}, ROWS, 99, lambda: FixedPace(run, draws))

    def ask(self, requests: Sequence[pb.CompleteRequest]) -> list[Told]:
        """What the callers are told, of one alternative each."""
        news = deque[tuple[int, Progress]]()
        completions = [CheckedCompletion.of(request, self._catalogue) for request in requests]
        for number, completion in enumerate(completions):
            hear = partial(self._hear, news, number)
            self._engine.submit(completion.submission(completion.jobs(hear), hear))
        events: list[list[pb.CompleteResponse]] = [[] for _ in requests]
        running = len(requests)
        while running:
            while not news:
                self._engine.tick()
            number, progress = news.popleft()
            progress.acknowledge(self._engine)
            events[number] += completions[number].responses(progress)
            running -= progress.is_last
        return [told for each in events for told in told_by(each)]

    @staticmethod
    def _hear(news: deque[tuple[int, Progress]], number: int, progress: Progress) -> None:
        news.append((number, progress))


@st.composite
def completion_requests(
    draw: st.DrawFn, oracle: Oracle, most: int = 24, alternatives: int = 1, ends: bool = True
) -> pb.CompleteRequest:
    """Any request that is not refused: every sampling parameter, state, limit and stop string."""
    outputs = len(oracle.model.vocabulary)
    temperature = draw(st.sampled_from([0.0, 0.05, 1.0, 10.0]) | st.floats(0.05, 10))
    sampling = pb.Sampling(
        temperature=temperature,
        top_k=draw(st.integers(0, outputs + 2)),
        top_p=draw(st.just(1.0) | st.floats(0, 1, exclude_min=True)),
        min_p=draw(st.just(0.0) | st.floats(0, 1)),
        seed=draw(st.integers(0, 2**64 - 1)),
    )
    first = draw(st.integers(0, min(outputs - alternatives, 5)))
    prefix = draw(st.text(oracle.model.vocabulary.characters + oracle.model.vocabulary.variants + "zß☂", max_size=9))
    state = draw(st.sampled_from(["", "start", "near 2^32", "near 2^62"]))
    request = pb.CompleteRequest(
        model=pb.Model(digest=oracle.model.digest),
        state=draw_state(draw, oracle, state, most + 10),
        prefix=prefix,
        sampling=sampling,
        limits=pb.Limits(max_characters=draw(st.integers(1, most))),
        alternatives=alternatives,
        first_alternative=first,
    )
    return draw(with_ends(oracle, request)) if ends else request


def draw_state(draw: st.DrawFn, oracle: Oracle, kind: str, room: int) -> bytes:
    """State bytes at a position worth a look; no bytes are the start of a text."""
    if not kind:
        return b""
    position = {"start": 0, "near 2^32": 2**32 - 8, "near 2^62": 2**62 - 1 - room}[kind]
    size = oracle.model.structure.state_size
    outputs = tuple(draw(st.lists(st.integers(-127, 127), min_size=size, max_size=size)))
    return oracle.pack(Place(outputs, position, draw(remembered_texts(oracle, min(position, oracle.model.recall.window)))))


@st.composite
def remembered_texts(draw: st.DrawFn, oracle: Oracle, size: int) -> tuple[int, ...]:
    """The last characters of a text, UNK among them: often a few that return, so that there is something to recall."""
    some = draw(st.lists(st.integers(0, len(oracle.model.vocabulary)), min_size=1, max_size=9))
    seed = draw(st.integers(0, 2**32 - 1))
    return tuple(int(i) for i in np.random.default_rng(seed).choice(some, size))


@st.composite
def with_ends(draw: st.DrawFn, oracle: Oracle, request: pb.CompleteRequest) -> pb.CompleteRequest:
    """The request with stop strings, some cut from what it would say, and with a confidence."""
    said = oracle.complete(request).text
    stops = draw(st.lists(st.text(oracle.model.vocabulary.characters, min_size=1, max_size=3), max_size=2))
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(said) - 1))
        stops.append(said[start : draw(st.integers(start + 1, len(said)))])
    request.limits.stop.extend(stops)
    if draw(st.booleans()):
        request.limits.min_confidence = 2.0 ** -draw(st.floats(0, 20))
    return request


@pytest.fixture(scope="session")
def make_oracle() -> MakeOracle:
    """The oracle of a model."""
    return Oracle


@pytest.fixture(scope="session")
def oracle(model: Model) -> Oracle:
    """The oracle of the one model with every freedom of the format."""
    return Oracle(model)


@pytest.fixture(scope="session")
def make_embedded(make_execution: "MakeExecution") -> MakeEmbedded:
    """Makes an engine: (model, run=, draws=)."""

    def make(model: Model, run: int = 0, draws: int = 0) -> Embedded:
        catalogue, executions = Catalogue([Served("tiny", model)]), {model.digest: make_execution(model, ROWS)}
        return Embedded(catalogue, executions, (lambda: FixedPace(run, draws)) if run else Pace)

    return make


@pytest.fixture(scope="session")
def make_together(make_execution: "MakeExecution") -> MakeTogether:
    """Makes an engine that is asked for several completions at once: (model, run, draws)."""
    return lambda model, run, draws: Together(model, make_execution, run, draws)


@pytest.fixture(scope="session")
def embedded(model: Model, make_embedded: MakeEmbedded) -> Embedded:
    """An engine of the one model, at its own pace."""
    return make_embedded(model)


@pytest.fixture(scope="session")
def ask() -> Ask:
    """Asks an engine: (embedded, request)."""
    return ask_for_all


@pytest.fixture(scope="session")
def requests() -> CompletionRequests:
    """The strategy of requests: (oracle, most=, alternatives=, ends=)."""
    return completion_requests


@pytest.fixture
def visits() -> Visits:
    """What the state machine of one test has visited."""
    return Visits()
