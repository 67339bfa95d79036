"""The words of report, figures and pages for the content of tables: claims as sentences, numbers, intervals, times."""

from collections.abc import Mapping

import pandas as pd

from workflow_scripts.ticketlab.core import statistics
from workflow_scripts.ticketlab.verdicts import kinds
from workflow_scripts.ticketlab.verdicts.rows import percent

# One sentence for many claims of one kind.
LIKE_CLAIMS = {
    kinds.DENSE_TOTAL: "a ticket against dense at IMP's total steps",
    kinds.TICKET_TOTAL: "a ticket against dense, both at IMP's total steps",
    kinds.EARLY_STOP: "the early-stopping step of a ticket, less dense's",
    kinds.OTHER_ORDER: "a ticket, less the mask that another data order finds",
    kinds.SUPERMASK: "a masked, untrained network is as good as dense",
    kinds.LATER_ROLES: "roles are fixed by a later step",
}


def claim(row: Mapping | pd.Series) -> str:
    """The sentence that a row of `verdicts` judges, from its kind and the keys of that kind."""
    match row["kind"]:
        case kinds.TICKET:
            return f"{_ticket(row)}, from step {row['rewind_step']:.0f}, against dense at equal steps"
        case kinds.CONTROL:
            at = f"at {percent(row['density'])} kept, from step {row['rewind_step']:.0f}"
            return f"{row['variant']} control {at}, against dense at equal steps"
        case kinds.SMALLEST_MATCHING:
            return f"smallest matching density, from step {row['rewind_step']:.0f}"
        case kinds.WINNING_TICKET:
            return "a winning ticket from θ₀ exists, at equal steps"
        case kinds.REWOUND_TICKET:
            return "a winning ticket after rewinding exists, at equal steps"
        case kinds.DENSE_TOTAL:
            return f"{_ticket(row)}, from step {row['rewind_step']:.0f}, against dense at IMP's total steps"
        case kinds.TICKET_TOTAL:
            return f"{_ticket(row)}, from step {row['rewind_step']:.0f}, against dense, both at IMP's total steps"
        case kinds.EARLY_STOP:
            return f"early-stopping step of the {_ticket(row)}, from step {row['rewind_step']:.0f}, less dense's"
        case kinds.OTHER_ORDER:
            return f"{_ticket(row)}, from step {row['rewind_step']:.0f}, less the mask that another data order finds"
        case kinds.SUPERMASK:
            return f"{row['variant']} at {percent(row['density'])} kept, untrained, against dense"
        case kinds.STRONG_FORM:
            return "some mask makes an untrained network as good as dense, at some width that was tried"
        case kinds.ROLES_CHANGE:
            return "a part keeps its role under another data order"
        case kinds.FIXED_ROLES:
            return "the initialisation fixes the roles"
        case kinds.LATER_ROLES:
            return f"roles are fixed by step {row['split_step']:.0f}"
        case kinds.TRANSIENCE:
            return "some structure is acquired and then lost from the network"
        case kinds.TRANSIENT_STRUCTURE:
            return f"the {spaced(row['structure'])} predictor is acquired and then lost from the network"
        case kinds.DETOUR:
            return f"predictions make a detour by the {spaced(row['structure'])} predictor"
    raise ValueError(f"no sentence for a claim of kind {row['kind']!r}")


def _ticket(row: Mapping | pd.Series) -> str:
    return f"ticket at {percent(row['density'])} kept"


def case_of(row: Mapping | pd.Series) -> str:
    """The part that distinguishes a claim from the others of its kind, one of LIKE_CLAIMS."""
    match row["kind"]:
        case kinds.DENSE_TOTAL | kinds.TICKET_TOTAL | kinds.EARLY_STOP | kinds.OTHER_ORDER:
            return f"{percent(row['density'])} kept, from step {row['rewind_step']:.0f}"
        case kinds.SUPERMASK:
            return f"{row['variant'].removeprefix('supermask_')} at {percent(row['density'])}"
        case kinds.LATER_ROLES:
            return f"step {row['split_step']:.0f}"
    raise ValueError(f"claims of kind {row['kind']!r} have no sentence together")


def spaced(name: str) -> str:
    """A name of config or table as words."""
    return name.replace("_", " ")


def number(value: float) -> str:
    """Three digits, more of whole thousands, with a true minus; a dash where nothing was measured."""
    if pd.isna(value):
        return "–"
    value += 0.0  # −0 is 0
    return (f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}").replace("-", "−")


def interval(row: Mapping | pd.Series, of: str = "estimate") -> str:
    """The value of column `of` and its interval, as far as they exist."""
    if pd.isna(row[of]) or pd.isna(row["ci_low"]):
        return number(row[of])
    return f"{number(row[of])} [{number(row['ci_low'])}, {number(row['ci_high'])}]"


def in_hundredths(row: Mapping | pd.Series) -> str:
    """An estimate and its interval in the form of a figure's legend."""
    return statistics.in_words(row["estimate"], row["ci_low"], row["ci_high"])


def p_value(value: float) -> str:
    return "–" if pd.isna(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def duration(seconds: float) -> str:
    """Seconds as h, min and s, in the two largest units."""
    if pd.isna(seconds):
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
