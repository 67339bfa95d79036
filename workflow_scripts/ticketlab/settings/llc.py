"""The settings of the LLC estimate: one set for every network of a study, as estimates compare only under equal ones.

nβ/γ says who decides. At those published for small language models (30 and 300; Wang et al. 2410.02984) the prior does:
λ̂ is then the rise of the loss under isotropic noise of size 1/√γ, to a few per cent. From nβ/γ of about 3 the posterior
does. λ̂ is a function of nβ with no plateau, so final networks are estimated at several (`scales`). There is no default
for nβ from the data: devinterp's `default_nbeta` is computed from the batch size, so changing the batch size would
change the quantity that is estimated.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section

Sampler = Literal["leimkuhler_matthews", "sgld"]
Checkpoints = PositiveInt | Annotated[list[NonNegativeInt], Field(min_length=1)]


class LLCSettings(Section):
    chains: Annotated[int, Field(ge=2, description="chains per network; R-hat needs two")] = 4
    draws: Annotated[int, Field(ge=16, description="draws per chain after the burn-in, one per step")] = 80
    burn_in: NonNegativeInt = Field(40, description="steps that are left out of every mean")
    batch_size: PositiveInt = 16
    examples: PositiveInt = Field(
        4096, description="training examples over which the loss is the mean; all of them where there are fewer"
    )
    sampler: Sampler = Field(
        "leimkuhler_matthews", description="SGLD is too wide by 1/(1 − εA/4), the other exact, where A is the curvature"
    )
    learning_rate: PositiveFloat = Field(5e-4, description="ε, the step size")
    nbeta: PositiveFloat = Field(300.0, description="nβ, the inverse temperature")
    localization: PositiveFloat = Field(100.0, description="γ, the pull towards the network's own weights")
    scales: list[PositiveFloat] = Field(
        [30.0, 100.0, 300.0, 1000.0], description="nβ of the final networks' curve, at the same γ"
    )
    noise_draws: Annotated[int, Field(ge=2, description="of isotropic noise of size 1/√γ, beside every estimate")] = 16
    probes: Annotated[int, Field(ge=2, description="random vectors for the Hessian's effective dimension")] = 2
    hessian_steps: Annotated[int, Field(ge=2, description="Hessian-vector products of a probe")] = 10
    hessian_examples: PositiveInt = Field(64, description="examples behind a probe's products")
    prior_share: PositiveFloat = Field(
        0.1, description="flagged where λ̂ is as close as this to what isotropic noise alone gives"
    )
    hessian_share: PositiveFloat = Field(
        0.25, description="flagged where λ̂ is below the Hessian's effective dimension by more than this share"
    )
    slope_batches: Annotated[int, Field(ge=2)] = Field(
        8, description="batches of hessian_examples that choose a step down the slope at w*; as many others test it"
    )
    minimum_share: PositiveFloat = Field(
        0.1, description="flagged as no minimum where a slope at w* lowers λ̂ by more than this share of it"
    )
    minimum_alpha: PositiveFloat = Field(
        0.001, lt=1, description="and is no noise: the largest rate of false alarms at a minimum"
    )
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
