"""The settings of the calibration of intervals and tests by simulation, at the studies' numbers of seeds."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from workflow_scripts.ticketlab.settings.base import Section, Share


class RolesSimulationSettings(Section):
    """Networks with known roles: `orders` data orders (the dense run's own among them) of each initialisation."""

    orders: Annotated[int, Field(ge=2)] = Field(3, description="networks of one initialisation at a split step")
    layers: PositiveInt = 2
    components: Annotated[int, Field(ge=3)] = Field(5, description="components of each layer")
    reliability: Share = Field(0.9, description="correlation of a component's score on two probes")
    correlations: list[Annotated[float, Field(ge=0, lt=1)]] = Field(
        [0.0, 0.5], min_length=1, description="correlations of the roles of two networks of one initialisation"
    )
    simulations: PositiveInt = 400
    permutations: PositiveInt = Field(
        199, description="permutations of init labels; if α(permutations + 1) is not whole, the test's size is below α"
    )


class StatisticsCalibrationSettings(Section):
    seeds: Annotated[int, Field(ge=2, description="values behind each interval and test")] = 5
    alpha: Share = 0.05
    power: Share = Field(0.8, description="power at which an effect counts as detectable")
    simulations: PositiveInt = Field(2000, description="simulations of each interval or test")
    verdict_simulations: PositiveInt = Field(
        800, description="simulations of all comparisons of a study up to its verdicts"
    )
    confidence: Share = Field(0.99, description="level of the binomial intervals of simulated shares")
    tolerance: Share = Field(0.05, description="largest error of the power at a detectable effect")
    skews: list[PositiveFloat] = Field(
        [0.5, 1.0], description="σ of the centred log-normal values whose intervals are tested"
    )
    effects: list[PositiveFloat] = Field(
        [0.5, 1.0], description="effects, in standard deviations of the paired difference, at which power is compared"
    )
    comparisons: Annotated[int, Field(ge=4, multiple_of=2)] = Field(
        8, description="a claim's comparisons with decisive controls, at most: 2 · controlled densities · rewind steps"
    )
    structures: PositiveInt = Field(3, description="reference predictors, or roles, of a study")
    examples: list[Annotated[int, Field(ge=2)]] = Field(
        [128, 449], min_length=1, description="test examples that are crossed with the seeds"
    )
    roles: RolesSimulationSettings = RolesSimulationSettings()
