"""The settings of the calibration of structure distances and of the verdict on transience, with its tolerances."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from workflow_scripts.ticketlab.settings.base import Section, Share


class StructureCalibrationSettings(Section):
    seeds: Annotated[int, Field(ge=2)] = Field(8, description="seeds of a simulated study")
    steps: PositiveInt = Field(800, description="length of a simulated training")
    checkpoints: Annotated[int, Field(ge=3)] = Field(15, description="log-spaced steps that are recorded")
    simulations: PositiveInt = Field(400, description="simulated studies behind each rate")
    noise: PositiveFloat = Field(
        0.1,
        description="standard deviation over seeds of a distance, relative to it (.01 to .17 in the default studies)",
    )
    persistence: Share = Field(0.8, description="correlation of that deviation between consecutive recorded steps")
    effects: list[Share] = Field([0.2, 0.3], description="true retained shares whose loss is to be found")
    power: Share = Field(0.8, description="rate at which a true effect should be found")
    distance_tolerance: PositiveFloat = Field(1e-5, description="nats, between networks and predictors set by hand")
    sample_tolerance: PositiveFloat = Field(0.01, description="nats, between predictors estimated on a stream")
    fraction_tolerance: PositiveFloat = Field(1e-4, description="of the shares that a script acquires and forgets")
    path_tolerance: PositiveFloat = Field(
        1e-3, description="nats, of the least distance on a straight path, which is taken at points"
    )
    bias_tolerance: PositiveFloat = Field(0.01, description="of the mean forgotten fraction under noise")
