"""What a run was worth: its artifact and its float network on the held-out text, beside the model that it began from and an
n-gram of the training text.

It knows no optimiser and writes nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from elman_models.corpus import Corpus, spread
from elman_models.law.artifact import Model
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.cost import Quality, evaluate
from elman_models.measure.gram_predictor import GramPredictor
from elman_models.measure.grams import Grams
from elman_models.measure.network_predictor import NetworkPredictor
from elman_models.measure.ngram import NGram
from elman_models.measure.predictor import Predictor
from elman_models.measure.report import with_recall
from elman_models.measure.typist import Habits, Typist
from elman_models.selection.imprint import largest_overlap
from elman_models.training.float_cost import float_nats_per_character
from elman_models.training.network import Network
from elman_models.training.origin import Origin
from elman_models.training.run import some_of

NGRAM_ORDER = 6
NGRAM_CHARACTERS = 10_000_000
"""At most this many characters of the training text are counted for the n-gram, so that it takes a minute and a gigabyte."""
MEASURED_CHARACTERS = 100_000
"""At most this many characters of the held-out text are measured, so that it takes seconds."""

KEYS_CHARACTERS = 20_000
"""At most this many are typed, so that this takes seconds too."""
MORE_TEXT = "more text would help most, or a model of similar text to begin from (--from)"


@dataclass(frozen=True, slots=True)
class AsItComes:
    """What the held-out text costs the model that a run began from, and how many keys that would have saved."""

    name: str
    nats_per_character: float
    keys_saved: float
    has_seen: float = 0.0  # the share of that text that it was trained on itself, if its imprints tell


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the held-out text costs; costs are in nats a character, streaming."""

    quality: Quality  # of the artifact
    float_nats_per_character: float  # of the network in float
    ngram_nats_per_character: float
    recalling_ngram_nats_per_character: float  # with the model's kind of recall, its odds fitted for it on the same text
    ngram_characters: int  # of the training text that the n-gram was counted on
    training_characters: int
    keys_saved: float  # of the simulated typist's, at the model's own threshold
    ngram_keys_saved: float
    origin: AsItComes | None = None  # None: the run began at random

    def to_json(self) -> dict[str, Any]:
        """What a model file says of it."""
        ngram = f"{NGRAM_ORDER}-gram"
        costs = {"held_out": self.quality.to_json(), "float": self.float_nats_per_character}
        counted = {ngram: self.ngram_nats_per_character, f"{ngram}_with_recall": self.recalling_ngram_nats_per_character}
        counted |= {f"{ngram}_training_characters": self.ngram_characters}
        saved = {"keys_saved": self.keys_saved, f"{ngram}_keys_saved": self.ngram_keys_saved}
        return {**costs, **counted, **saved} | ({"origin": asdict(self.origin)} if self.origin else {})

    def in_words(self) -> str:
        """What the figures are, for who knows them."""
        nats, ngram = self.quality.nats_per_character_streaming, self.ngram_nats_per_character
        recalling = self.recalling_ngram_nats_per_character
        is_part = self.ngram_characters < self.training_characters
        return (
            f"held-out text ({self.quality.characters:,} characters): {nats:.4f} nats a character, "
            f"{nats / math.log(2):.3f} bits; {compared(nats, ngram)} a {NGRAM_ORDER}-gram's {ngram:.4f}"
            + (f", counted on {self.ngram_characters:,} characters" if is_part else "")
            + f"; {compared(nats, recalling)} the {recalling:.4f} of one with recall"
        )

    def meaning(self) -> str:
        """What that means to a person and, where an n-gram or the model that it began from does better, what may help."""
        nats = self.quality.nats_per_character_streaming
        ours, theirs = in_hundred(self.keys_saved), in_hundred(self.ngram_keys_saved)
        before = self.origin
        where = "held-out text" if before and before.has_seen else "text that it has not seen"
        saves = f"it saves {ours} of 100 keys on {where}; an n-gram of the same text saves {theirs}"
        if before:
            saves += f", and {before.name} as it comes {in_hundred(before.keys_saved)}"
            if before.has_seen:
                return f"{saves}; {before.name} was trained on about {before.has_seen:.0%} of that text, which flatters both"
            if in_hundred(before.keys_saved) >= ours and before.nats_per_character <= nats:
                return f"{saves}; keep to {before.name}, unless there is more text to learn from"
        if nats <= self.ngram_nats_per_character and ours >= theirs:
            return saves
        return f"{saves}; {MORE_TEXT}"


def judge(
    model: Model, network: Network, vocabulary: Vocabulary, training: Corpus, held_out: Corpus, origin: Origin | None = None
) -> Verdict | None:
    """The verdict on a run that began from `origin` (None: at random); None where nothing was held out."""
    documents = some_of(held_out.documents, MEASURED_CHARACTERS)
    if not documents:
        return None
    ngram_text = spread(training, NGRAM_CHARACTERS)
    grams = Grams.of(vocabulary.encode(ngram_text), len(vocabulary) + 1, NGRAM_ORDER)
    counts = NGram(grams, NGRAM_ORDER)
    ngram, recalling = GramPredictor(counts, vocabulary), with_recall(counts, model, documents)
    texts, characters = [vocabulary.encode(each) for each in documents], sum(map(len, documents))
    typed = some_of(held_out.documents, KEYS_CHARACTERS)
    return Verdict(
        quality=evaluate(model, documents),
        float_nats_per_character=float_nats_per_character(network, vocabulary, documents),
        ngram_nats_per_character=ngram.nats(texts) / characters,
        recalling_ngram_nats_per_character=recalling.nats(texts) / characters,
        ngram_characters=len(ngram_text),
        training_characters=training.characters,
        keys_saved=keys_saved(NetworkPredictor(model), model, typed),
        ngram_keys_saved=keys_saved(ngram, model, typed),
        origin=as_it_comes(origin, documents, typed) if origin else None,
    )


def as_it_comes(origin: Origin, documents: Sequence[str], typed: Sequence[str]) -> AsItComes:
    """What the model that a run began from is worth on the same text."""
    model = origin.model
    nats = evaluate(model, documents).nats_per_character_streaming
    overlap = largest_overlap(model.about.get("imprints", []), documents)
    has_seen = overlap.share if overlap and overlap.is_sure else 0.0
    return AsItComes(origin.name, nats, keys_saved(NetworkPredictor(model), model, typed), has_seen)


def in_hundred(share: float) -> int:
    """A share as people are told it."""
    return round(100 * share)


def keys_saved(predictor: Predictor, model: Model, documents: Sequence[str]) -> float:
    """The share of keys that a predictor's ghost text saves, shown down to the model's own threshold."""
    typist = Typist(Habits(), model.vocabulary, model.ghost_surprise)
    return typist.enter(documents, predictor.read([model.vocabulary.encode(each) for each in documents])).saved


def compared(nats: float, ngram: float) -> str:
    """How one cost compares with another; a text of one character costs both nothing."""
    if f"{nats:.4f}" == f"{ngram:.4f}":
        return "as good as"
    if nats >= 2 * ngram:  # far behind, as on a text that repeats itself
        return f"{nats / max(ngram, 1e-4):.1f} times"
    share = 100 * (1 - nats / ngram)
    return f"{share:.1f}% better than" if share > 0 else f"{-share:.1f}% worse than"
