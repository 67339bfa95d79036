"""The kinds of claims that `verdicts` judges, and the columns that identify a claim in addition to its kind.

Report and pages make a claim's sentence from these (report/words.py); no code reads a sentence.
"""

TICKET, CONTROL, SMALLEST_MATCHING = "ticket", "control", "smallest_matching"
WINNING_TICKET, REWOUND_TICKET = "winning_ticket", "rewound_ticket"  # from θ₀; from a later step of the dense network
DENSE_TOTAL, TICKET_TOTAL, EARLY_STOP = "dense_total", "ticket_total", "early_stop"
OTHER_ORDER = "other_order"  # the ticket against the mask of another data order
SUPERMASK, STRONG_FORM = "supermask", "strong_form"
ROLES_CHANGE, FIXED_ROLES, LATER_ROLES = "roles_change", "fixed_roles", "later_roles"
TRANSIENCE, TRANSIENT_STRUCTURE, DETOUR = "transience", "transient_structure", "detour"
KINDS = (
    TICKET,
    CONTROL,
    SMALLEST_MATCHING,
    WINNING_TICKET,
    REWOUND_TICKET,
    DENSE_TOTAL,
    TICKET_TOTAL,
    EARLY_STOP,
    OTHER_ORDER,
    SUPERMASK,
    STRONG_FORM,
    ROLES_CHANGE,
    FIXED_ROLES,
    LATER_ROLES,
    TRANSIENCE,
    TRANSIENT_STRUCTURE,
    DETOUR,
)
# Claims on one ticket or one mask each, many per study.
OF_ONE_TICKET = (TICKET, CONTROL, DENSE_TOTAL, TICKET_TOTAL, EARLY_STOP, OTHER_ORDER, SUPERMASK)

# The object of a claim; null where a column does not apply.
KEYS = ("rewind_step", "density", "split_step", "structure", "variant")
