"""The thresholds of the verdicts, fixed before the run that they judge."""

from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator

from workflow_scripts.ticketlab.settings.base import Section, Share


class JudgingSettings(Section):
    """What counts as matching, winning, determined, changed, acquired and forgotten."""

    metric: Literal["loss", "error"] = Field("loss", description="compared on the test split")
    margin: PositiveFloat = Field(description="δ: a ticket matches if it is not worse than dense by more than this")
    alpha: Share = Field(0.05, description="level of the tests and 1 − coverage of the intervals")
    power: Share = Field(0.8, description="power of the test at which an effect counts as detectable")
    sparse: Share = Field(0.5, description="only tickets at or below this density count for the hypothesis")
    determined: Share = Field(0.75, description="roles count as fixed by the initialisation above this determinacy")
    undetermined: Share = Field(0.25, description="roles count as free below this determinacy")
    narrow: Share = Field(0.25, description="an interval of determinacy no wider than this decides: mixed at a bound")
    chance: Share = Field(
        0.1,
        description="other initialisations are at chance if determinacy, or the updates' correlation, is within ± this",
    )
    clear: PositiveFloat = Field(2.0, description="a part holds a role if it leads by this many standard errors")
    held: Share = Field(0.2, description="and if this share of its attention, or variance, is in the role")
    changing: Share = Field(0.5, description="parts keep their roles if fewer initialisations than this share change")
    acquired: Share = Field(0.5, description="structure counts as acquired if its distance falls by this fraction")
    detour: NonNegativeFloat = Field(
        0.1,
        description="it counts as a detour if it acquires this much more of it than the straight path of its outputs",
    )
    forgotten: NonNegativeFloat = Field(0.1, description="it counts as forgotten if this fraction of the fall is lost")
    retained: Share = Field(
        0.5, description="it counts as lost if parts of the end network retain less than this of it"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.determined <= self.undetermined:
            raise ValueError(f"determined {self.determined:g} must be above undetermined {self.undetermined:g}")
        if self.power <= self.alpha:
            raise ValueError(
                f"power {self.power:g} must be above alpha {self.alpha:g}: no effect at all has power alpha"
            )
        return self
