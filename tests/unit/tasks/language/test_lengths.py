"""Nats per character and bits per byte: the same for the same predictor, whatever the tokeniser."""

import math

import pytest

from workflow_scripts.ticketlab.tasks.language import lengths, tokenisers
from workflow_scripts.ticketlab.tasks.language.tokenisers import BPESettings, CharacterSettings

TEXTS = ["the cat and the hat, " * 20, "a naïve café – the end"]


@pytest.mark.parametrize(
    "settings",
    [
        CharacterSettings(kind="characters", symbols=64, lower_case=False),
        BPESettings(kind="bpe", vocabulary=280),
    ],
)
def test_a_text_has_the_same_cost_per_character_and_byte_in_every_tokeniser(settings):
    tokeniser = tokenisers.fit(settings, TEXTS)
    encoded = tokenisers.encode(tokeniser, TEXTS)
    found = lengths.of_documents(tokeniser, encoded)
    total = 500.0  # nats of both texts together, whatever the symbols
    per_symbol = total / sum(len(document) + 1 for document in encoded)
    assert found.per_character(per_symbol) == pytest.approx(total / sum(map(len, TEXTS)))
    size = sum(len(text.encode()) for text in TEXTS)
    assert found.bits_per_byte(per_symbol) == pytest.approx(total / math.log(2) / size)


def test_uniform_guesses_of_one_byte_characters_cost_the_logarithm_of_their_number():
    tokeniser = {"kind": "characters", "lower_case": True, "characters": "ab"}
    document = tokenisers.encode(tokeniser, ["ab" * 50_000])
    found = lengths.of_documents(tokeniser, document)
    assert found.bits_per_byte(math.log(4)) == pytest.approx(2.0, rel=1e-4)


def test_an_unknown_character_is_one_character_of_one_byte():
    tokeniser = {"kind": "characters", "lower_case": True, "characters": "a"}
    found = lengths.of_documents(tokeniser, tokenisers.encode(tokeniser, ["aβa"]))
    assert (found.characters, found.bytes) == (3 / 4, 3 / 4)
