"""The settings of the calibration of role scores and their agreement, with its tolerances."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from workflow_scripts.ticketlab.settings.base import Section, Share


class RolesCalibrationSettings(Section):
    seeds: Annotated[int, Field(ge=4)] = Field(8, description="initialisations, of trained and of simulated networks")
    heads: Annotated[int, Field(ge=4)] = Field(8, description="heads of a layer, in trained and simulated networks")
    training_steps: PositiveInt = Field(50, description="brief training, after which heads differ")
    permutations: Annotated[int, Field(ge=20)] = Field(400, description="index permutations, in 20 groups")
    simulations: PositiveInt = Field(60, description="simulated studies for each true determinacy")
    determinacies: list[Annotated[float, Field(ge=0, le=1)]] = Field(
        [0.0, 0.5, 0.9], description="true shares of the roles' variance that the initialisation fixes"
    )
    noise: PositiveFloat = Field(0.5, description="standard deviation of a probe's error, in that of the true roles")
    found: Share = Field(0.9, description="a head set by hand must score at least this on its own role")
    idle: Share = Field(0.25, description="every other head must score at most this on that role")
    needed: PositiveFloat = Field(1.0, description="nats that ablating a head set by hand must cost where it copies")
    score_tolerance: PositiveFloat = Field(1e-3, description="error of attention scores with a closed form")
    agreement_tolerance: PositiveFloat = Field(1e-3, description="error of agreements that must be equal or 1")
    ceiling: Share = Field(0.5, description="agreement that a trained network must reach between two probes")
    reliability_tolerance: PositiveFloat = Field(
        0.05,
        description="error of the mean agreement of simulated networks with themselves (few components bias it down)",
    )
