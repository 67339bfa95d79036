"""Verdicts on released networks: those of the tests that need no training, and they say what they rest on."""

import pandas as pd

from workflow_scripts.ticketlab.verdicts.released import RESTS_ON, resting_on_releases
from workflow_scripts.ticketlab.verdicts.rows import T2, T3


def test_reasons_say_what_they_rest_on_by_test():
    table = pd.DataFrame({"test": [T2, T3], "reason": ["a", "b"]})
    assert resting_on_releases(table)["reason"].tolist() == [f"a; {RESTS_ON[T2]}", f"b; {RESTS_ON[T3]}"]
