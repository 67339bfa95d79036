"""Text under a given tokeniser: the symbols are the tokeniser's own, and what does not fit it is refused or said."""

import logging

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from tests.unit.tasks.test_text import write_corpus
from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.tasks import tokenised_text


def tokeniser(folder, beginning=False):
    """A byte-level BPE of 270 symbols, whose separator is the last of them."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator(
        ["the lottery ticket of a network"], trainers.BpeTrainer(vocab_size=269, initial_alphabet=alphabet)
    )
    made.add_special_tokens(["<|endoftext|>"])
    if beginning:
        made.post_processor = processors.TemplateProcessing(
            single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", made.token_to_id("<|endoftext|>"))]
        )
    path = folder / "tokenizer.json"
    made.save(str(path))
    return path, made


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    return folder


def settings(corpus, path, vocabulary=304, **keys):
    return tokenised_text.Settings.model_validate(
        {
            "kind": "tokenised_text",
            "corpus": {"kind": "file", "path": str(corpus)},
            "tokeniser": {"path": str(path), **keys},
            "vocabulary": vocabulary,
            "context": 16,
            "evaluation_sequences": 4,
        }
    )


def test_symbols_are_the_tokenisers_and_separators_lie_between_documents(corpus, tmp_path):
    path, made = tokeniser(tmp_path)
    section = settings(corpus, path)
    frame, facts = tokenised_text.prepare(section, "study")
    problem = tokenised_text.load(frame, facts, section)
    for split, rows in frame.groupby("split"):
        first, *_ = rows.itertuples()
        number = int(first.name[:3])
        assert made.decode(first.tokens.tolist()) == (corpus / f"{number:03}.txt").read_text(encoding="utf-8")
        stream = problem.extras["streams"][split]
        ends = np.flatnonzero(stream == made.token_to_id("<|endoftext|>"))
        assert len(ends) == len(rows) + 1
        assert ends[[0, -1]].tolist() == [0, len(stream) - 1]


def test_predictors_cover_padded_symbols_and_are_distributions(corpus, tmp_path, caplog):
    path, made = tokeniser(tmp_path)
    section = settings(corpus, path)
    with caplog.at_level(logging.INFO):
        problem = tokenised_text.load(*tokenised_text.prepare(section, "study"), section)
    assert f"padded vocabulary: 304 rows for {made.get_vocab_size()} symbols" in caplog.text
    assert "no BOS" in caplog.text
    inputs, targets = problem.evaluation["test"]
    assert targets.max() < made.get_vocab_size()
    for predictor in tokenised_text.references(problem).values():
        probabilities = np.exp(predictor(inputs))
        assert probabilities.shape == (*inputs.shape, 304)
        np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-4)


def test_a_tokeniser_that_begins_texts_is_said(corpus, tmp_path, caplog):
    path, _ = tokeniser(tmp_path, beginning=True)
    frame, facts = tokenised_text.prepare(settings(corpus, path), "study")
    assert "begins texts with <|endoftext|>, which windows" in caplog.text
    assert not any((symbols == facts["separator"]).any() for symbols in frame["tokens"])


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"vocabulary": 100}, "it has 270 symbols, and the networks' embedding 100 rows"),
        ({"separator": "</s>"}, r"no token '</s>'; task.tokeniser.separator may be one of <\|endoftext\|>"),
    ],
)
def test_another_networks_tokeniser_is_refused(corpus, tmp_path, keys, words):
    path, _ = tokeniser(tmp_path)
    with pytest.raises(TicketlabError, match=words):
        tokenised_text.prepare(settings(corpus, path, **keys), "study")


def test_a_file_that_is_no_tokeniser_is_refused(corpus, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(TicketlabError, match=r"no tokenizer\.json of the tokenizers library"):
        tokenised_text.prepare(settings(corpus, path), "study")
