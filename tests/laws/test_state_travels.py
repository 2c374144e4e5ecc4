"""The state stands for the text before it: at every split, every size of a tick, and in another process."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.v1 import completion_service_pb2 as pb
from elman_models.execution.protocol import Advance, Start
from elman_models.law.artifact import Model, save
from elman_models.law.state import State, pack, unpack
from elman_models.law.structure import Structure
from elman_server.embedded import Embedded

if TYPE_CHECKING:
    from tests.conftest import MakeExecution, MakeModel
    from tests.laws.conftest import Ask, CompletionRequests, MakeEmbedded, Oracle, Told

TEXT = "a cab, a bed\nzß 😀 dad! fed…\n"
REPLAY = Path(__file__).with_name("replay.py")


@given(data=st.data(), split=st.floats(0, 1))
@settings(deadline=None, max_examples=40)
def test_a_text_goes_on_from_the_state_of_its_beginning(
    oracle: "Oracle", embedded: Embedded, ask: "Ask", requests: "CompletionRequests", data: st.DataObject, split: float
) -> None:
    whole = data.draw(requests(oracle))
    place = round(split * len(whole.prefix))
    beginning, rest = pb.ScoreRequest(state=whole.state, text=whole.prefix[:place]), pb.CompleteRequest()
    rest.CopyFrom(whole)
    rest.state, rest.prefix = embedded.score(beginning).state, whole.prefix[place:]
    assert ask(embedded, rest) == ask(embedded, whole)


@pytest.mark.parametrize("run", [1, 2, 3, 5, 8, 64])
def test_every_split_and_every_size_of_a_tick_reach_the_same_state(
    model: Model, make_embedded: "MakeEmbedded", oracle: "Oracle", run: int
) -> None:
    embedded = make_embedded(model, run=run, draws=1)
    reached = oracle.pack(oracle.consume(oracle.initial(), TEXT))
    for split in range(len(TEXT) + 1):
        middle = embedded.score(pb.ScoreRequest(text=TEXT[:split])).state
        assert embedded.score(pb.ScoreRequest(state=middle, text=TEXT[split:])).state == reached


def test_the_finished_state_goes_on_where_the_completion_ended(model: Model, make_embedded: "MakeEmbedded", ask: "Ask") -> None:
    sampling = pb.Sampling(seed=11, temperature=1.2)
    whole = pb.CompleteRequest(prefix="a b", sampling=sampling, limits=pb.Limits(max_characters=24))
    for draws in (1, 3, 32):
        embedded = make_embedded(model, run=2, draws=draws)
        (told,) = ask(embedded, whole)
        for length in range(1, 24):
            part = pb.CompleteRequest(prefix="a b", sampling=sampling, limits=pb.Limits(max_characters=length))
            (first,) = ask(embedded, part)
            rest = pb.CompleteRequest(state=first.state, sampling=sampling, limits=pb.Limits(max_characters=24 - length))
            (second,) = ask(embedded, rest)
            assert (first.text + second.text, second.state) == (told.text, told.state)


@given(skipped=st.text("\n abcdefz", max_size=20), sizes=st.lists(st.integers(1, 7), min_size=1, max_size=20))
@settings(deadline=None, max_examples=40)
def test_an_execution_consumes_a_text_in_pieces_of_any_size(
    model: Model, make_execution: "MakeExecution", skipped: str, sizes: list[int]
) -> None:
    text = skipped + "a" * sum(sizes)
    whole, pieces = make_execution(model, 1), make_execution(model, 3)
    whole.load(0, Start(State.initial(model)))
    expected = whole.run([Advance(0, skipped=model.vocabulary.encode(text))]).state(0, 0)
    state, left = State.initial(model), text
    for index, size in enumerate([*sizes, len(text)]):
        piece, left = left[:size], left[size:]
        if piece:
            pieces.load(index % 3, Start(unpack(pack(state, model), model)))
            state = pieces.run([Advance(index % 3, skipped=model.vocabulary.encode(piece))]).state(0, 0)
    assert pack(state, model) == pack(expected, model)


def replay(artifact: Path, instructions: str, threads: int, requests: list[pb.CompleteRequest]) -> list[list[str]]:
    """Ask another process: text, reason and state of every alternative of every request."""
    lines = json.dumps([request.SerializeToString().hex() for request in requests])
    command = [sys.executable, str(REPLAY), str(artifact), instructions, str(threads)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, timeout=100)
    return json.loads(done.stdout)


def as_lines(told: "list[list[Told]]") -> list[list[str]]:
    """The same of this process."""
    return [[f"{one.text!r} {one.reason} {one.state.hex()}" for one in alternatives] for alternatives in told]


@pytest.fixture(scope="module")
def wide_model(make_model: "MakeModel") -> Model:
    """Wide enough for its products to be shared among threads."""
    return make_model(Structure.stacked(2, 256), "\n !abcdefgé…😀", 5)


def test_other_processes_with_one_and_two_threads_say_the_same_and_take_over_our_states(
    wide_model: Model, make_embedded: "MakeEmbedded", ask: "Ask", tmp_path: Path
) -> None:
    artifact = tmp_path / "wide.safetensors"
    save(wide_model, artifact)
    embedded = make_embedded(wide_model)
    fresh = pb.CompleteRequest(
        prefix=TEXT, sampling=pb.Sampling(seed=5, temperature=1), limits=pb.Limits(max_characters=30), alternatives=16
    )
    state = embedded.score(pb.ScoreRequest(text=TEXT)).state
    going_on = pb.CompleteRequest()
    going_on.CopyFrom(fresh)
    going_on.state, going_on.prefix = state, ""
    with ThreadPoolExecutor() as pool:
        ways = [("reference", 1), ("reference", 2), ("auto", 1)]
        there = [pool.submit(replay, artifact, *way, [fresh, going_on]) for way in ways]
        here = as_lines([ask(embedded, fresh)] * 2)
        assert [answer.result() for answer in there] == [here] * len(ways)
