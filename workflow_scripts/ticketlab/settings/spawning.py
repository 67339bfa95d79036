"""From where, and on how many data orders, children of a dense run are trained."""

from pydantic import Field, NonNegativeInt, PositiveInt

from workflow_scripts.ticketlab.settings.base import Section


class SpawningSettings(Section):
    """Data orders split at `split_steps`; order 0 is the dense run's own, repeated once as the exact replicate."""

    split_steps: list[NonNegativeInt] = Field(min_length=1)
    orders: PositiveInt = Field(description="data orders per initialisation and split step, the dense run's not counted")
