"""The scripts of the rules, the library that they call, and tools beside the workflow.

Imports make a quarter of a million objects that stay, in a process that often works for a few seconds only. Looking for
garbage among them after every 700, as Python does by itself, is an eighth of the three seconds that a job takes to
start.
"""

import gc

USUAL = gc.get_threshold()  # job.logged goes back to it
gc.set_threshold(100_000)
