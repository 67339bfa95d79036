"""The kinds of claims that `verdicts` judges, and the columns that identify a claim in addition to its kind.

Report and pages make a claim's sentence from these (report/words.py); no code reads a sentence.
"""

TICKET, SMALLEST_MATCHING, WINNING_TICKET = "ticket", "smallest_matching", "winning_ticket"
DENSE_TOTAL, SOONER = "dense_total", "sooner"
SUPERMASK, STRONG_FORM = "supermask", "strong_form"
ROLES_CHANGE, FIXED_ROLES, LATER_ROLES = "roles_change", "fixed_roles", "later_roles"
TRANSIENCE, TRANSIENT_STRUCTURE, DETOUR = "transience", "transient_structure", "detour"
KINDS = (
    TICKET,
    SMALLEST_MATCHING,
    WINNING_TICKET,
    DENSE_TOTAL,
    SOONER,
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
OF_ONE_TICKET = (TICKET, DENSE_TOTAL, SOONER, SUPERMASK)

# The object of a claim; null where a column does not apply.
KEYS = ("rewind_step", "density", "split_step", "structure", "variant")
