"""What a calibration says of an instrument: one row is one check against a ground truth.

A check passes if the truth lies in the interval, or if the estimate is within the tolerance of it. A quantity that
ends in ", at least" or ", at most" has a bound for its truth, and passes if its estimate, or its interval where there
is one, reaches it. An instrument is out of calibration when a check that is `required` fails; the others only inform.
"""

INSTRUMENTS = ("llc", "roles", "pruning", "structure", "statistics")
