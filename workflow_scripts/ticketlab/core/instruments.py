"""The names of the instruments that have a calibration; each row of a calibration is one check against a ground truth.

A check passes if the truth lies in the interval, or if the estimate is within the tolerance of it. A quantity that
ends in ", at least" or ", at most" has a bound as its truth, and passes if its estimate, or its interval where there
is one, reaches the bound. An instrument is out of calibration when a `required` check fails; the others only inform.
"""

INSTRUMENTS = ("llc", "roles", "pruning", "structure", "statistics")
