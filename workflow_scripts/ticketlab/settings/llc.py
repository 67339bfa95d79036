"""The settings of the LLC estimate: one set for every network of a study, as estimates compare only under equal ones.

The step size, nβ and the localisation are those published for small language models (Wang et al. 2410.02984). On the
default text study they make traces that rise, level off within 30 steps and agree; ε a third as large changes λ̂ by 5 %.
There is no default for nβ from the data: devinterp's `default_nbeta` is computed from the batch size, so changing the
batch size would change the quantity that is estimated.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section

Sampler = Literal["leimkuhler_matthews", "sgld"]
Checkpoints = PositiveInt | Annotated[list[NonNegativeInt], Field(min_length=1)]


class LLCSettings(Section):
    chains: Annotated[int, Field(ge=2, description="chains per network; R-hat needs two")] = 4
    draws: Annotated[int, Field(ge=16, description="draws per chain after the burn-in, one per step")] = 100
    burn_in: NonNegativeInt = Field(50, description="steps that are left out of every mean")
    batch_size: PositiveInt = 16
    examples: PositiveInt = Field(
        4096, description="training examples over which the loss is the mean; all of them where there are fewer"
    )
    sampler: Sampler = Field(
        "leimkuhler_matthews", description="SGLD is too wide by 1/(1 − εA/4), the other exact, where A is the curvature"
    )
    learning_rate: PositiveFloat = Field(1e-3, description="ε, the step size")
    nbeta: PositiveFloat = Field(30.0, description="nβ, the inverse temperature")
    localization: NonNegativeFloat = Field(300.0, description="γ, the pull towards the network's own weights")
    checkpoints: Checkpoints = Field(6, description="checkpoints of the dense run: how many, or a list of their steps")
    rhat_limit: Annotated[float, Field(gt=1, description="R-hat above this is flagged")] = 1.1
    ess_limit: PositiveFloat = Field(40.0, description="an effective number of draws below this is flagged")
    explosion: PositiveFloat = Field(2.0, description="nats above L(w*) at which a chain has diverged")
    members_together: PositiveInt = Field(
        1,
        description="networks whose chains are sampled as one stack, with the same numbers: 5 take about half the time "
        "of 1 on a CPU core where networks are small, and less on a GPU",
    )

    @model_validator(mode="after")
    def _steps_are_small(self) -> Self:
        product = self.learning_rate * self.localization
        if product > 1:
            raise ValueError(
                f"learning_rate · localization is {product:g}; λ̂ comes out too large by 1/(1 − product/4) or more, so "
                "keep it at 1 or below, well below if you can"
            )
        return self

    @model_validator(mode="after")
    def _checkpoints_are_distinct(self) -> Self:
        if isinstance(self.checkpoints, list) and self.checkpoints != sorted(set(self.checkpoints)):
            raise ValueError(f"checkpoints {self.checkpoints} must be ascending steps, each once")
        return self


class LLCSweepSettings(Section):
    """Settings around the study's own, for the target `sweeps`, which tests whether the networks keep their order."""

    factors: list[PositiveFloat] = Field(
        [0.3, 3.0], min_length=1, description="ε, nβ and γ are multiplied by each of these, one at a time"
    )
    checkpoints: Checkpoints = Field(3, description="checkpoints of the dense run, as in `llc`")
