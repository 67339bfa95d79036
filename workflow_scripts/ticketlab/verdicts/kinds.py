"""The kinds of claims that `verdicts` judges, and the columns that say what a claim is about besides its kind.

Report and pages make a claim's sentence from these (report/words.py); nothing reads a sentence.
"""

TICKET, SMALLEST_MATCHING, WINNING_TICKET = "ticket", "smallest_matching", "winning_ticket"
DENSE_TOTAL, SOONER = "dense_total", "sooner"
STRONG_FORM = "strong_form"
FIXED_ROLES, LATER_ROLES = "fixed_roles", "later_roles"
TRANSIENCE, TRANSIENT_STRUCTURE = "transience", "transient_structure"
KINDS = (
    TICKET,
    SMALLEST_MATCHING,
    WINNING_TICKET,
    DENSE_TOTAL,
    SOONER,
    STRONG_FORM,
    FIXED_ROLES,
    LATER_ROLES,
    TRANSIENCE,
    TRANSIENT_STRUCTURE,
)
# Claims about one ticket each, many to a study.
OF_ONE_TICKET = (TICKET, DENSE_TOTAL, SOONER)

# What a claim is about; null where it does not apply.
KEYS = ("rewind_step", "density", "split_step", "structure", "variant")
