import json
import logging
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from workflow_scripts.ticketlab.core.errors import TicketlabError
from workflow_scripts.ticketlab.core.random_streams import generator
from workflow_scripts.ticketlab.tables import files
from workflow_scripts.ticketlab.tables.schemas.data import DATA
from workflow_scripts.ticketlab.tasks import text
from workflow_scripts.ticketlab.tasks.language import ngrams, tokenisers
from workflow_scripts.ticketlab.tasks.language.tokenisers import SEPARATOR

CHARACTERS = {"kind": "characters", "symbols": 40}
BPE = {"kind": "bpe", "vocabulary": 300}


def tokeniser_settings(values):
    return TypeAdapter(tokenisers.TokeniserSettings).validate_python(values)


def write_corpus(folder, documents=60, seed=0):
    """Documents of random words, no two alike."""
    random = np.random.default_rng(seed)
    words = ["The", "lottery", "ticket", "of", "a", "network,", "zürich", "is", "(not)", "drawn\n"]
    for number in range(documents):
        length = random.integers(20, 60)
        body = " ".join(words[index] for index in random.integers(len(words), size=length))
        (folder / f"{number:03}.txt").write_text(f"{number} {body}", encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus")
    write_corpus(path)
    return path


def task_settings(folder, tokeniser=CHARACTERS, **changes):
    corpus = {"kind": "file", "path": str(folder)}
    return text.Settings.model_validate(
        {"kind": "text", "corpus": corpus, "tokeniser": tokeniser, "context": 16, **changes}
    )


@pytest.fixture(scope="module", params=[CHARACTERS, BPE], ids=["characters", "bpe"])
def prepared(request, folder):
    settings = task_settings(folder, request.param)
    return settings, *text.prepare(settings, "study")


@pytest.fixture(scope="module")
def problem(prepared):
    settings, frame, facts = prepared
    return text.load(frame, facts, settings)


# Tokenisers


def test_the_vocabulary_is_separator_unknown_and_the_most_frequent_characters():
    fitted = tokenisers.fit(tokeniser_settings({"kind": "characters", "symbols": 4}), ["Bba", "caC", "ad"])
    assert fitted["characters"] == "ab"  # a 3 times; b and c twice, so the lower code point
    assert tokenisers.size(fitted) == 4
    assert tokenisers.encode(fitted, ["abz"])[0].tolist() == [2, 3, 1]
    assert tokenisers.decode(fitted, [2, 3, 1, SEPARATOR]) == "ab\ufffd"


def test_case_is_kept_if_asked():
    fitted = tokenisers.fit(tokeniser_settings({"kind": "characters", "lower_case": False}), ["aA"])
    assert tokenisers.decode(fitted, tokenisers.encode(fitted, ["AaA"])[0]) == "AaA"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
@hypothesis_settings(max_examples=30, deadline=None)
def test_bpe_gives_every_text_back_and_never_says_separator(texts):
    fitted = tokenisers.fit(tokeniser_settings(BPE), ["some text to learn from"])
    for original, symbols in zip(texts, tokenisers.encode(fitted, texts), strict=True):
        assert tokenisers.decode(fitted, symbols) == original
        assert SEPARATOR not in symbols


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4))
@hypothesis_settings(max_examples=50, deadline=None)
def test_characters_give_back_what_the_vocabulary_covers(texts):
    fitted = tokenisers.fit(tokeniser_settings({"kind": "characters", "symbols": 10_000, "lower_case": False}), texts)
    for original, symbols in zip(texts, tokenisers.encode(fitted, texts), strict=True):
        assert tokenisers.decode(fitted, symbols) == original
        assert symbols.min() > tokenisers.UNKNOWN


def test_bpe_learns_the_vocabulary_asked_for_the_same_every_time(folder):
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())]
    fitted = tokenisers.fit(tokeniser_settings(BPE), texts)
    assert tokenisers.size(fitted) == BPE["vocabulary"] == len(tokenisers.symbol_texts(fitted))
    assert tokenisers.fit(tokeniser_settings(BPE), texts) == fitted
    assert sum(map(len, tokenisers.encode(fitted, texts))) < 0.5 * sum(map(len, texts))


# The data


def test_every_document_is_in_one_split_and_decodes_to_its_text(prepared, folder):
    settings, frame, facts = prepared
    assert sorted(frame["name"]) == sorted(path.name for path in folder.iterdir())
    for row in frame.itertuples():
        original = (folder / row.name).read_text(encoding="utf-8")
        expected = original.lower() if settings.tokeniser.kind == "characters" else original
        assert tokenisers.decode(facts["tokeniser"], row.tokens) == expected
    share = frame["tokens"].map(len).groupby(frame["split"]).sum() / frame["tokens"].map(len).sum()
    assert share["test"] == pytest.approx(settings.test_share, abs=0.03)
    assert share["validation"] == pytest.approx(settings.validation_share, abs=0.03)


def test_the_tokeniser_is_fitted_on_the_train_documents_only(tmp_path):
    write_corpus(tmp_path)
    settings = task_settings(tmp_path)
    before, facts_before = text.prepare(settings, "study")
    name = before.loc[before["split"] != "train", "name"].iloc[0]
    content = (tmp_path / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text("¤" * len(content), encoding="utf-8")
    after, facts_after = text.prepare(settings, "study")
    assert set(after.loc[after["name"] == name, "tokens"].item()) == {tokenisers.UNKNOWN}
    assert facts_after["tokeniser"] == facts_before["tokeniser"]


def test_preparing_twice_gives_the_same_and_another_study_another_split(prepared):
    settings, frame, facts = prepared
    again, facts_again = text.prepare(settings, "study")
    assert facts_again == facts
    assert again["name"].tolist() == frame["name"].tolist()
    assert all(np.array_equal(one, other) for one, other in zip(again["tokens"], frame["tokens"], strict=True))
    assert text.prepare(settings, "other")[0]["name"].tolist() != frame["name"].tolist()


def test_the_table_and_its_facts_hold_all_of_the_task(prepared, problem, tmp_path):
    settings, frame, facts = prepared
    files.write(tmp_path / "data.parquet", DATA, frame, {}, facts=facts)
    stored = files.facts(tmp_path / "data.parquet", DATA)["facts"]
    loaded = text.load(files.read(tmp_path / "data.parquet", DATA), stored, settings)
    assert (loaded.inputs, loaded.outputs, loaded.context) == (problem.inputs, problem.outputs, problem.context)
    assert loaded.extras["symbol_texts"] == problem.extras["symbol_texts"]
    for split in ("train", "validation", "test"):
        for one, other in zip(loaded.evaluation[split], problem.evaluation[split], strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_limit_on_characters_bounds_the_corpus_to_whole_documents(folder):
    frame, facts = text.prepare(task_settings(folder, max_characters=4_000), "study")
    longest = max(len(path.read_text(encoding="utf-8")) for path in folder.iterdir())
    assert 4_000 <= facts["characters"] < 4_000 + longest
    assert len(frame) < facts["corpus_documents"] == 60


def test_a_corpus_shorter_than_the_context_is_refused(tmp_path):
    write_corpus(tmp_path, documents=3)
    with pytest.raises(TicketlabError, match=r"split holds \d+ symbols in \d documents, less than a sequence"):
        text.prepare(task_settings(tmp_path, context=4_000), "study")


LINE = " ".join(f"word{number}" for number in range(3_000))
UNBROKEN = "".join(map(str, range(5_000)))


def one_file(folder, name, content):
    (folder / name).write_text(content)
    return folder / name


@pytest.mark.parametrize(
    "corpus",
    [
        lambda folder: one_file(folder, "text8.txt", LINE),
        lambda folder: one_file(folder, "row.jsonl", json.dumps({"text": LINE})),
        lambda folder: one_file(folder, "book.txt", LINE.replace("00 ", "00\n")).parent,
        lambda folder: one_file(folder, "unbroken.txt", UNBROKEN),
    ],
    ids=["a line", "a row", "a folder of one document", "no white space"],
)
@pytest.mark.parametrize("changes", [{}, {"max_characters": 9_000}, {"validation_share": 0.45, "test_share": 0.5}])
def test_a_corpus_of_one_document_is_cut_so_that_each_split_has_its_share_and_nothing_twice(tmp_path, corpus, changes):
    settings = task_settings(corpus(tmp_path), **changes)
    frame, facts = text.prepare(settings, "study")
    whole = facts["characters"]
    parts = {split: [tokenisers.decode(facts["tokeniser"], row) for row in rows["tokens"]]
             for split, rows in frame.groupby("split")}  # fmt: skip
    lengths = {split: sum(map(len, found)) for split, found in parts.items()}
    assert lengths["test"] / whole == pytest.approx(settings.test_share, abs=0.02)
    assert lengths["validation"] / whole == pytest.approx(settings.validation_share, abs=0.02)
    everything = [piece for found in parts.values() for piece in found]
    assert len({*everything}) == len(everything)
    if "max_characters" in changes:
        assert 9_000 <= whole < 9_200
    else:
        places = frame["name"].str.rpartition("@")[2].astype(int)
        pieces = [tokenisers.decode(facts["tokeniser"], row) for row in frame["tokens"][places.sort_values().index]]
        assert "".join(pieces).replace("\n", " ") in (LINE, UNBROKEN)


def test_documents_that_fit_the_splits_are_not_cut(folder):
    frame, _ = text.prepare(task_settings(folder), "study")
    assert not frame["name"].str.contains("@").any()


@pytest.mark.parametrize("content", ["a", "a" * 10_000, "ab"])
def test_a_corpus_that_says_one_thing_only_is_refused(tmp_path, content):
    with pytest.raises(TicketlabError, match="give the corpus more"):
        text.prepare(task_settings(one_file(tmp_path, "a.txt", content)), "study")


def test_the_log_says_how_much_of_the_corpus_is_used(folder, caplog):
    caplog.set_level(logging.INFO)
    frame, facts = text.prepare(task_settings(folder, max_characters=4_000), "study")
    whole = sum(len(path.read_text(encoding="utf-8")) for path in folder.iterdir())
    assert f"corpus: 60 documents, {whole} characters, sha256 " in caplog.text
    train = frame[frame["split"] == "train"]
    symbols = train["tokens"].map(len).sum()  # of characters: as many
    assert f"train: {len(train)} documents, {symbols} characters, {symbols} symbols" in caplog.text
    assert f"in all: {len(frame)} of 60 documents, {facts['characters']} of {whole} characters" in caplog.text


def test_shares_that_leave_nothing_to_train_on_are_refused(folder):
    with pytest.raises(ValidationError, match="must be below 1"):
        task_settings(folder, validation_share=0.5, test_share=0.5)


# Sequences


def is_window(stream, inputs, targets):
    window = np.concatenate([inputs, targets[-1:]])
    views = np.lib.stride_tricks.sliding_window_view(stream, len(window))
    return (views == window).all(axis=1).any() and np.array_equal(inputs[1:], targets[:-1])


def test_batches_are_windows_of_the_train_stream_and_targets_are_the_next_symbols(problem):
    inputs, targets = problem.sample(generator("study", "batch", 0, 0), 32)
    assert inputs.shape == targets.shape == (32, 16)
    assert inputs.dtype == targets.dtype == np.int64
    assert all(is_window(problem.extras["streams"]["train"], *pair) for pair in zip(inputs, targets, strict=True))


def test_an_epoch_is_adjacent_windows_that_leave_less_than_two_windows_at_the_ends(problem):
    stream, epochs = problem.extras["streams"]["train"], problem.epochs
    begins = []
    for epoch in range(40):
        inputs, targets = epochs.take(epoch, np.arange(epochs.size, dtype=np.int32))
        views = np.lib.stride_tricks.sliding_window_view(stream, inputs.size + 1)
        (begin,) = np.flatnonzero((views == [*inputs.ravel(), targets[-1, -1]]).all(axis=1))
        np.testing.assert_array_equal(targets.ravel(), stream[begin + 1 : begin + 1 + targets.size])
        begins.append(begin)
        assert len(stream) - targets.size < 2 * 16 + 1
    assert min(begins) < 4 < 12 <= max(begins) < 16


def test_streams_separate_every_two_documents(prepared, problem):
    _, frame, _ = prepared
    for split, stream in problem.extras["streams"].items():
        documents = frame.loc[frame["split"] == split, "tokens"].tolist()
        ends = np.flatnonzero(stream == SEPARATOR)
        assert ends[0] == 0
        assert ends[-1] == len(stream) - 1
        for document, start, end in zip(documents, ends[:-1], ends[1:], strict=True):
            np.testing.assert_array_equal(stream[start + 1 : end], document)


def test_every_window_of_the_stream_can_be_drawn(problem):
    class Extremes:
        def integers(self, high, size):
            return np.array([0, high - 1])

    stream = problem.extras["streams"]["train"]
    inputs, targets = problem.sample(Extremes(), 2)
    assert inputs[0, 0] == stream[0]
    assert targets[1, -1] == stream[-1]


def test_evaluation_windows_do_not_overlap(folder):
    settings = task_settings(folder, evaluation_sequences=10_000)
    frame, facts = text.prepare(settings, "study")
    problem = text.load(frame, facts, settings)
    for split, (inputs, targets) in problem.evaluation.items():
        stream = problem.extras["streams"][split]
        whole = (len(stream) - 1) // 16 * 16  # all symbols are used, each once, but for an incomplete last sequence
        np.testing.assert_array_equal(inputs.ravel(), stream[:whole])
        np.testing.assert_array_equal(targets.ravel(), stream[1 : whole + 1])


def test_fewer_evaluation_sequences_are_a_part_of_more(prepared):
    settings, frame, facts = prepared
    few = text.load(frame, facts, settings.model_copy(update={"evaluation_sequences": 5}))
    many = text.load(frame, facts, settings.model_copy(update={"evaluation_sequences": 9}))
    for split in few.evaluation:
        rows = {tuple(row) for row in many.evaluation[split][0]}
        assert len(few.evaluation[split][0]) == 5
        assert {tuple(row) for row in few.evaluation[split][0]} <= rows


# Reference predictors


def brute_force(model, stream, context):
    """The documented formula, one symbol at a time."""
    probabilities = np.full(model.vocabulary, 1 / model.vocabulary)
    for length, level in enumerate(model.levels):
        if length > len(context):
            break
        shorter = list(context[len(context) - length :])
        counts = np.zeros(model.vocabulary)
        for place in range(length, len(stream)):
            if list(stream[place - length : place]) == shorter:
                counts[stream[place]] += 1
        probabilities = (counts + level.strength * probabilities) / (counts.sum() + level.strength)
    return probabilities


@given(st.integers(2, 7), st.integers(0, 2**32 - 1))
@hypothesis_settings(max_examples=25, deadline=None)
def test_ngrams_are_the_documented_distributions_for_every_context(vocabulary, seed):
    random = np.random.default_rng(seed)
    stream = random.integers(vocabulary, size=random.integers(3, 60))
    inputs = random.integers(vocabulary, size=(2, 4))
    model = ngrams.fit(stream, vocabulary, 3)
    for order in (1, 2, 3):
        predictor = model.shorter(order)
        predicted = np.exp(predictor.log_probabilities(inputs))
        np.testing.assert_allclose(predicted.sum(-1), 1, atol=1e-5)
        for row in range(2):
            for place in range(4):
                expected = brute_force(predictor, stream, inputs[row, : place + 1])
                np.testing.assert_allclose(predicted[row, place], expected, rtol=1e-5)
                assert expected.min() > 0


def test_ngrams_recover_a_markov_chain():
    random = np.random.default_rng(0)
    transitions = np.array([[0.8, 0.2, 0.0], [0.0, 0.5, 0.5], [0.7, 0.0, 0.3]])
    stream = [0]
    for draw in random.random(40_000):
        stream.append(int(np.searchsorted(np.cumsum(transitions[stream[-1]]), draw)))
    model = ngrams.fit(np.array(stream), 3, 3)
    inputs = np.array([[0, 1, 2, 0]])
    for order in (2, 3):
        predicted = np.exp(model.shorter(order).log_probabilities(inputs))[0]
        np.testing.assert_allclose(predicted, transitions[inputs[0]], atol=0.02)
    values, vectors = np.linalg.eig(transitions.T)
    stationary = np.real(vectors[:, np.argmax(np.real(values))])
    unigram = np.exp(model.shorter(1).log_probabilities(inputs))[0, 0]
    np.testing.assert_allclose(unigram, stationary / stationary.sum(), atol=0.02)


def test_smoothing_is_strong_where_the_context_tells_nothing_and_weak_where_it_tells_all():
    random = np.random.default_rng(1)
    noise = random.integers(8, size=5_000)
    cycle = np.arange(5_000) % 8
    assert ngrams.fit(noise, 8, 2).levels[1].strength > 100 * ngrams.fit(cycle, 8, 2).levels[1].strength


def test_longer_ngrams_predict_held_out_text_better(folder):
    settings = task_settings(folder)
    problem = text.load(*text.prepare(settings, "study"), settings)
    inputs, targets = problem.evaluation["validation"]
    losses = [
        -np.take_along_axis(predict(inputs), targets[..., None], -1).mean()
        for predict in text.references(problem).values()
    ]
    assert list(text.references(problem)) == ["unigram", "bigram", "trigram"]
    assert losses[0] > losses[1] + 0.5
    assert losses[1] > losses[2] + 0.1
    assert losses[0] < math.log(problem.outputs)


# Slices


def test_slices_are_masks_of_the_targets(problem):
    _, targets = problem.evaluation["validation"]
    slices = text.slices(problem, "validation")
    assert all(mask.shape == targets.shape and mask.dtype == bool for mask in slices.values())
    for parts in (("bigram", "trigram", "beyond"), ("word_start", "word_rest")):
        np.testing.assert_array_equal(np.sum([slices[name] for name in parts], axis=0), 1)
    assert slices["early"][:, :4].all()
    assert slices["late"][:, -4:].all()
    assert slices["early"].sum() == slices["late"].sum() == targets.size // 4


def test_word_starts_are_where_words_start(problem):
    inputs, targets = problem.evaluation["validation"]
    texts = problem.extras["symbol_texts"]
    mask = text.slices(problem, "validation")["word_start"]
    for row in range(len(targets)):
        for place in range(targets.shape[1]):
            before, after = texts[inputs[row, place]], texts[targets[row, place]]
            begins = after.strip() != "" and (after[0].isspace() or before == "" or before[-1].isspace())
            assert mask[row, place] == begins


def test_repeats_are_symbols_whose_last_four_occurred_before():
    symbols = np.array([[1, 2, 3, 4, 5, 1, 2, 3, 4, 4], [1, 1, 1, 1, 1, 2, 1, 1, 1, 1]])
    expected = np.zeros(symbols.shape, dtype=bool)
    expected[0, 8] = True
    expected[1, [4, 9]] = True
    np.testing.assert_array_equal(text._repeats(symbols), expected)


def test_predictable_slices_are_what_the_predictors_know(problem):
    inputs, targets = problem.evaluation["validation"]
    slices, predictors = text.slices(problem, "validation"), text.references(problem)
    known = {
        name: np.take_along_axis(predict(inputs), targets[..., None], -1)[..., 0]
        for name, predict in predictors.items()
    }
    confident = math.log(text.CONFIDENT)
    np.testing.assert_array_equal(slices["bigram"], known["bigram"] >= confident)
    np.testing.assert_array_equal(slices["trigram"], (known["trigram"] >= confident) & (known["bigram"] < confident))
    np.testing.assert_array_equal(slices["beyond"], (known["trigram"] < confident) & (known["bigram"] < confident))
