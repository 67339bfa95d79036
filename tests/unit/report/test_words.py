"""What the tables hold, as report and pages write it: a sentence for each kind of claim, numbers, intervals, times."""

import pytest

from workflow_scripts.ticketlab.report import words
from workflow_scripts.ticketlab.verdicts import kinds

NOTHING = dict.fromkeys(kinds.KEYS)
CLAIMS = [
    (
        kinds.TICKET,
        {"density": 0.49975, "rewind_step": 10},
        "ticket at 50% kept, from step 10, against dense at equal steps",
    ),
    (
        kinds.CONTROL,
        {"density": 0.3, "rewind_step": 0, "variant": "shuffled"},
        "shuffled control at 30% kept, from step 0, against dense at equal steps",
    ),
    (kinds.SMALLEST_MATCHING, {"rewind_step": 0.0}, "smallest matching density, from step 0"),
    (kinds.WINNING_TICKET, {}, "a winning ticket from θ₀ exists, at equal steps"),
    (kinds.REWOUND_TICKET, {}, "a winning ticket after rewinding exists, at equal steps"),
    (
        kinds.DENSE_TOTAL,
        {"density": 0.3, "rewind_step": 0},
        "ticket at 30% kept, from step 0, against dense at IMP's total steps",
    ),
    (
        kinds.TICKET_TOTAL,
        {"density": 0.3, "rewind_step": 0},
        "ticket at 30% kept, from step 0, against dense, both at IMP's total steps",
    ),
    (
        kinds.EARLY_STOP,
        {"density": 0.00123, "rewind_step": 0},
        "early-stopping step of the ticket at 0.123% kept, from step 0, less dense's",
    ),
    (
        kinds.OTHER_ORDER,
        {"density": 0.49, "rewind_step": 0},
        "ticket at 49% kept, from step 0, less the mask that another data order finds",
    ),
    (
        kinds.SUPERMASK,
        {"density": 0.5, "variant": "supermask_kaiming"},
        "supermask_kaiming at 50% kept, untrained, against dense",
    ),
    (kinds.STRONG_FORM, {}, "some mask makes an untrained network as good as dense, at some width that was tried"),
    (kinds.ROLES_CHANGE, {"split_step": 0}, "a part keeps its role under another data order"),
    (kinds.FIXED_ROLES, {"split_step": 0}, "the initialisation fixes the roles"),
    (kinds.LATER_ROLES, {"split_step": 40.0}, "roles are fixed by step 40"),
    (kinds.TRANSIENCE, {}, "some structure is acquired and then lost from the network"),
    (
        kinds.TRANSIENT_STRUCTURE,
        {"structure": "tri_gram"},
        "the tri gram predictor is acquired and then lost from the network",
    ),
    (kinds.DETOUR, {"structure": "bigram"}, "predictions make a detour by the bigram predictor"),
]


@pytest.mark.parametrize(("kind", "about", "sentence"), CLAIMS)
def test_a_claim_is_a_sentence_of_its_keys(kind, about, sentence):
    """Whole steps come as floats from a column in which other kinds of claims have none."""
    assert words.claim({"kind": kind} | NOTHING | about) == sentence


def test_every_kind_of_claim_has_its_sentence_and_no_other():
    assert [kind for kind, *_ in CLAIMS] == [*kinds.KINDS]
    for sentence_of in (words.claim, words.case_of):
        with pytest.raises(ValueError, match="'another'"):
            sentence_of({"kind": "another"})


@pytest.mark.parametrize(("kind", "about", "sentence"), [case for case in CLAIMS if case[0] in words.LIKE_CLAIMS])
def test_what_tells_a_claim_from_its_like_stands_in_its_sentence(kind, about, sentence):
    assert words.case_of({"kind": kind} | NOTHING | about) in sentence.removeprefix("supermask_")


@pytest.mark.parametrize(
    ("value", "shown"), [(0.12345, "0.123"), (-2.0, "−2"), (1234.6, "1235"), (float("nan"), "–"), (0.0, "0")]
)
def test_numbers(value, shown):
    assert words.number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(4.26, "4.3 s"), (59.9, "1 min 0 s"), (125, "2 min 5 s"), (7260, "2 h 1 min")]
)
def test_durations(seconds, shown):
    assert words.duration(seconds) == shown


def test_an_interval_is_shown_as_far_as_there_is_one():
    whole = {"estimate": 0.5, "ci_low": 0.25, "ci_high": 0.75}
    assert words.interval(whole) == "0.5 [0.25, 0.75]"
    assert words.interval(whole | {"ci_low": float("nan")}) == "0.5"
    assert words.interval(whole | {"estimate": float("nan")}) == "–"
