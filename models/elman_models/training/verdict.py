"""What a run was worth: its artifact and its float network on the held-out text, beside an n-gram of the training text.

It knows no optimiser and writes nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elman_models.corpus import Corpus, spread
from elman_models.law.artifact import Model
from elman_models.law.vocabulary import Vocabulary
from elman_models.measure.cost import Quality, evaluate
from elman_models.measure.gram_predictor import GramPredictor
from elman_models.measure.grams import Grams
from elman_models.measure.ngram import NGram
from elman_models.training.float_cost import float_nats_per_character
from elman_models.training.network import Network
from elman_models.training.run import some_of

NGRAM_ORDER = 6
NGRAM_CHARACTERS = 10_000_000
"""At most this many characters of the training text are counted for the n-gram, so that it takes a minute and a gigabyte."""
MEASURED_CHARACTERS = 100_000
"""At most this many characters of the held-out text are measured, so that it takes seconds."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the held-out text costs; costs are in nats a character, streaming."""

    quality: Quality  # of the artifact
    float_nats_per_character: float  # of the network in float
    ngram_nats_per_character: float
    ngram_characters: int  # of the training text that the n-gram was counted on
    training_characters: int

    def to_json(self) -> dict[str, Any]:
        """What a model file says of it."""
        ngram = f"{NGRAM_ORDER}-gram"
        costs = {"held_out": self.quality.to_json(), "float": self.float_nats_per_character}
        return {**costs, ngram: self.ngram_nats_per_character, f"{ngram}_training_characters": self.ngram_characters}

    def in_words(self) -> str:
        """The line at the end of a run."""
        nats, ngram = self.quality.nats_per_character_streaming, self.ngram_nats_per_character
        is_part = self.ngram_characters < self.training_characters
        return (
            f"held-out text ({self.quality.characters:,} characters): {nats:.4f} nats a character, "
            f"{nats / math.log(2):.3f} bits; {compared(nats, ngram)} a {NGRAM_ORDER}-gram's {ngram:.4f}"
            + (f", counted on {self.ngram_characters:,} characters" if is_part else "")
        )


def judge(model: Model, network: Network, vocabulary: Vocabulary, training: Corpus, held_out: Corpus) -> Verdict | None:
    """The verdict on a run; None where nothing was held out."""
    documents = some_of(held_out.documents, MEASURED_CHARACTERS)
    if not documents:
        return None
    ngram_text = spread(training, NGRAM_CHARACTERS)
    return Verdict(
        quality=evaluate(model, documents),
        float_nats_per_character=float_nats_per_character(network, vocabulary, documents),
        ngram_nats_per_character=ngram_nats_per_character(ngram_text, documents, vocabulary),
        ngram_characters=len(ngram_text),
        training_characters=training.characters,
    )


def compared(nats: float, ngram: float) -> str:
    """How one cost compares with another; a text of one character costs both nothing."""
    if f"{nats:.4f}" == f"{ngram:.4f}":
        return "as good as"
    if nats >= 2 * ngram:  # far behind, as on a text that repeats itself
        return f"{nats / max(ngram, 1e-4):.1f} times"
    share = 100 * (1 - nats / ngram)
    return f"{share:.1f}% better than" if share > 0 else f"{-share:.1f}% worse than"


def ngram_nats_per_character(training: str, documents: Sequence[str], vocabulary: Vocabulary) -> float:
    """What a Kneser-Ney n-gram of a training text makes of the held-out text."""
    grams = Grams.of(vocabulary.encode(training), len(vocabulary) + 1, NGRAM_ORDER)
    ngram = GramPredictor(NGram(grams, NGRAM_ORDER), vocabulary)
    return ngram.nats([vocabulary.encode(document) for document in documents]) / sum(map(len, documents))
