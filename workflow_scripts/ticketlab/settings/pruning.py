"""The settings of the search for tickets: its schedule, its controls and the rounds that are compared."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats
from workflow_scripts.ticketlab.settings.schedule import Rounds, ScheduleSettings

Control = Literal[
    "reinitialised",
    "shuffled",
    "shuffled_rows",
    "other_order",
    "random",
    "initial_magnitude",
    "signed_constant",
    "one_shot",
    "mask_at_step",
    "dense_total",
    "ticket_total",
]
# The controls that train for all steps of the search.
TOTALS = ("dense_total", "ticket_total")
# The controls that a winning ticket must beat.
DECISIVE = ("reinitialised", "shuffled")
# A factor of the learning rate, which is part of a path.
RateFactor = Annotated[float, Field(ge=0.01, le=100)]


class PruningSettings(Section):
    """Iterative magnitude pruning (IMP) and its controls; level r is the r-th round, with density keep**r."""

    schedule: ScheduleSettings
    rounds: Rounds
    rewind_steps: list[NonNegativeInt] = Field([0], min_length=1, description="tickets restart from these dense steps")
    control_levels: list[PositiveInt] = Field(
        min_length=1, description="rounds at which controls are trained, and so the only ones at which a ticket may win"
    )
    controls: list[Control] = Field(description="controls of the tickets from the first rewind step")
    rewound_controls: list[Control] = Field(
        ["reinitialised", "shuffled"], description="controls of the tickets from the other rewind steps"
    )
    total_levels: list[PositiveInt] | None = Field(
        None,
        min_length=1,
        description="rounds whose total steps dense_total and ticket_total, the most expensive controls, get; "
        "null: control_levels",
    )
    rates: list[RateFactor] = Field(
        [1.0],
        description="factors of the learning rate at which the dense network, tickets and decisive controls train at "
        "control_levels; each is judged at the one with its least validation loss",
    )
    mask_steps: list[NonNegativeInt] = Field([], description="dense steps at which mask_at_step takes its masks")
    clock_level: PositiveInt = Field(description="the round that the developmental clock uses")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = ("rewind_steps", "control_levels", "controls", "rewound_controls", "total_levels", "mask_steps")
        refuse_repeats(rates=self.rates)
        refuse_repeats(**{name: getattr(self, name) or [] for name in names})
        levels = {"control_levels": self.control_levels, "total_levels": self.total_levels or []}
        for name, chosen in (levels | {"clock_level": [self.clock_level]}).items():
            if max(chosen, default=0) > self.rounds:
                raise ValueError(f"{name} {max(chosen)} is beyond rounds {self.rounds}")
        if "mask_at_step" in self.controls and not self.mask_steps:
            raise ValueError("the control mask_at_step needs mask_steps")
        if 1.0 not in self.rates:
            raise ValueError(f"rates {self.rates} must hold 1, the recipe's own, at which masks are found")
        if self.other_rates() and not self.rated_rewinds():
            raise ValueError(f"rates other than 1 need {' and '.join(DECISIVE)} in controls, or in rewound_controls")
        wrong = {"mask_at_step", *TOTALS} & set(self.rewound_controls)
        if wrong:
            raise ValueError(f"rewound_controls cannot hold {sorted(wrong)}; they belong in controls")
        return self

    def levels(self, control: str) -> list[int]:
        """The rounds at which `control` is trained."""
        if control == "mask_at_step":
            return [self.clock_level]
        return (self.total_levels if control in TOTALS else None) or self.control_levels

    def rewinds(self, control: str) -> list[int]:
        """The rewind steps from which `control` is trained."""
        first, *others = self.rewind_steps
        return [first] * (control in self.controls) + others * (control in self.rewound_controls)

    def other_rates(self) -> list[float]:
        """The factors other than 1, at which networks are trained once more."""
        return [factor for factor in self.rates if factor != 1]

    def rated_rewinds(self) -> list[int]:
        """The rewind steps from which all decisive controls are trained, and so those that other rates concern."""
        return [step for step in self.rewind_steps if all(step in self.rewinds(control) for control in DECISIVE)]

    def all_controls(self) -> list[str]:
        return sorted({*self.controls, *(self.rewound_controls if len(self.rewind_steps) > 1 else [])})
