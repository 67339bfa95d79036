"""The figures that are drawn of `comparisons` and `verdicts`, by name; others have rules of their own."""

from collections.abc import Callable

import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.ticketlab import plotting_llc, plotting_roles, plotting_tickets, plotting_transience

FIGURES: dict[str, Callable[[pd.DataFrame, pd.DataFrame, dict[str, dict]], Figure]] = {
    "tickets": plotting_tickets.figure,
    "roles": plotting_roles.figure,
    "transience": plotting_transience.figure,
    "llc": plotting_llc.figure,
}
