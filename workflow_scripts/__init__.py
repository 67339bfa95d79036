"""The scripts of the rules, the library that they call, and the tools of the workflow.

Imports make a quarter of a million permanent objects, in a process that often works for a few seconds only. Python's
default garbage collection, after every 700 of them, is an eighth of the three seconds that a job takes to start.
"""

import gc

USUAL = gc.get_threshold()  # job.logged goes back to it
gc.set_threshold(100_000)
