"""The settings of the LLC calibration: the models of known learning coefficient, the sampling and the tolerances.

Tolerances are config values and not part of the results, so they are chosen before. Step sizes come in lists: each
gives a row, and no estimate is extrapolated from several.
"""

from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from workflow_scripts.ticketlab.settings.base import Section, refuse_repeats
from workflow_scripts.ticketlab.settings.deep_linear import NetworkSettings, of_widths

StepSizes = Annotated[list[PositiveFloat], Field(min_length=1, description="ε, each gives a row")]
Values = Annotated[list[PositiveFloat], Field(min_length=2)]


class ExactSettings(Section):
    """Models whose nβ E[K] is known exactly at the same nβ and γ (calibration/toy_losses.py)."""

    regular_parameters: PositiveInt = 24
    regular_step_sizes: StepSizes = Field([1e-3, 2e-4])
    crossings: list[PositiveInt] = Field([1, 2], description="powers p of K = ½ (w₁ w₂^p)²")
    two_hidden: list[Annotated[list[PositiveInt], Field(min_length=2, max_length=2)]] = Field(
        [[2, 2], [5, 4]], description="[inputs, outputs] of zero maps, 2 hidden"
    )
    singular_step_sizes: StepSizes = Field([1e-3])
    nbeta: PositiveFloat = 1000.0
    localization: PositiveFloat = Field(20.0, description="γ: steep enough to mix along flat arms and stay below d/2")
    draws: Annotated[int, Field(ge=16, description="at the smallest step; proportionally fewer at others")] = 3000
    burn_in: PositiveInt = 1500
    chains: Annotated[int, Field(ge=2)] = 48
    calls: Annotated[int, Field(ge=3)] = 16


class NoisySettings(Section):
    """Mini-batches of noisy data: calls differ by their batches too."""

    linear: Annotated[list[PositiveInt], Field(min_length=2, max_length=2)] = Field(
        [4, 4], description="[inputs, outputs] of a linear map, whose law with the noise of its batches is known"
    )
    two_hidden: Annotated[list[PositiveInt], Field(min_length=2, max_length=2)] = Field(
        [4, 4], description="[inputs, outputs] of a zero map, 2 hidden"
    )
    batch_size: PositiveInt = Field(64, description="chains run hotter by about ε nβ²/(4·batch_size), 4 % here")
    nbeta: PositiveFloat = 100.0
    localization: PositiveFloat = 10.0
    step_sizes: StepSizes = Field([1e-3])
    draws: Annotated[int, Field(ge=16)] = 2000
    burn_in: PositiveInt = 500
    chains: Annotated[int, Field(ge=2)] = 8
    calls: Annotated[int, Field(ge=3)] = 12
    tolerance: PositiveFloat = Field(
        0.05, description="largest relative error where the batches' noise has no known law"
    )


class SweepSettings(Section):
    """Other ε, nβ and γ, one at a time, to test whether networks stay in the order of their learning coefficients."""

    networks: list[NetworkSettings] = of_widths(
        ([3, 3, 3], 1), ([4, 3, 8], 0), ([4, 6, 3, 5], 1), ([5, 5, 5, 5], 2), ([5, 5, 5], 2), ([6, 4, 6], 2)
    )
    learning_rate: PositiveFloat = Field(1e-4, description="ε where another value is varied")
    nbeta: PositiveFloat = Field(1000.0, description="nβ where another value is varied")
    localization: PositiveFloat = Field(10.0, description="γ where another value is varied")
    step_sizes: Values = Field([2e-5, 1e-4, 4e-4])
    nbetas: Values = Field([100.0, 1000.0, 5000.0])
    localizations: Values = Field([1.0, 10.0, 100.0])
    chains: Annotated[int, Field(ge=2)] = 16
    draws: Annotated[int, Field(ge=16)] = 800
    burn_in: NonNegativeInt = 600
    agreement: float = Field(0.9, ge=-1, le=1, description="Kendall's τ from which an ordering counts as kept")

    def values(self) -> list[tuple[str, list[float]]]:
        """The varied settings, by their names in settings/llc.py, and their values."""
        return [
            ("learning_rate", self.step_sizes),
            ("nbeta", self.nbetas),
            ("localization", self.localizations),
        ]


class ParitySettings(Section):
    """One small language model, whose LLC is estimated by our sampler and by devinterp's own `llc`."""

    sequences: PositiveInt = Field(256, description="of the training set, a multiple of batch_size")
    symbols: PositiveInt = 32
    context: PositiveInt = 16
    width: PositiveInt = 32
    heads: PositiveInt = 4
    training_steps: PositiveInt = 300
    chains: Annotated[int, Field(ge=2)] = 4
    calls: Annotated[int, Field(ge=2)] = 5
    draws: Annotated[int, Field(ge=16, description="a multiple of the batches in the training set")] = 96
    burn_in: NonNegativeInt = Field(48, description="a multiple of the batches in the training set")
    batch_size: PositiveInt = 16
    learning_rate: PositiveFloat = 1e-3
    nbeta: PositiveFloat = 30.0
    localization: PositiveFloat = 300.0
    tolerance: PositiveFloat = Field(0.1, description="largest relative difference")

    @model_validator(mode="after")
    def _whole_epochs(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        batches = self.sequences // self.batch_size
        if self.sequences % self.batch_size or self.draws % batches or self.burn_in % batches:
            raise ValueError(
                f"draws {self.draws} and burn_in {self.burn_in} must be multiples of the {batches} batches of "
                f"{self.batch_size} in {self.sequences} sequences: only whole epochs have the mean loss of the data"
            )
        return self


class StrataSettings(Section):
    """Reduced-rank regression, started at points whose layers have these ranks."""

    widths: Annotated[list[PositiveInt], Field(min_length=3, max_length=3)] = Field([8, 4, 8], description="[N, H, M]")
    rank: NonNegativeInt = Field(0, description="of the true map")
    points: list[Annotated[list[NonNegativeInt], Field(min_length=2, max_length=2)]] = Field(
        [[2, 2], [3, 1], [4, 0]], description="ranks of the first and the second layer at w*"
    )
    nbeta: PositiveFloat = 10_000.0
    localization: PositiveFloat = Field(100.0, description="γ: steep enough to stay at the stratum of w*")
    step_sizes: StepSizes = Field([4e-5])
    draws: Annotated[int, Field(ge=16)] = 2000
    burn_in: PositiveInt = 1000
    chains: Annotated[int, Field(ge=2)] = 16
    calls: Annotated[int, Field(ge=3)] = 4

    @model_validator(mode="after")
    def _points_exist(self) -> Self:
        inputs, hidden, outputs = self.widths
        for first, last in self.points:
            fits = self.rank <= first <= min(inputs, hidden) and self.rank <= last <= min(hidden, outputs)
            if not fits or first + last - self.rank > hidden:
                raise ValueError(
                    f"points: layers of widths {self.widths} and ranks {first} and {last} have no product of rank "
                    f"{self.rank}"
                )
        return self


class TwoMinimaSettings(Section):
    """K = ½ ((w₁ − 1)(w₁² + w₂²)²)² from (1, 0), where λ is ½; elsewhere it is ¼. How far may γ fall?"""

    localizations: Annotated[list[Annotated[float, Field(ge=10)]], Field(min_length=2)] = Field(
        [300.0, 100.0, 30.0, 10.0], description="γ, each gives rows"
    )
    nbeta: Annotated[float, Field(gt=0, le=10_000)] = 10_000.0
    elsewhere: PositiveFloat = Field(0.01, description="share of the law beyond which it is no longer at w*")
    step_sizes: StepSizes = Field([5e-5])
    draws: Annotated[int, Field(ge=16)] = 4000
    burn_in: PositiveInt = 1000
    chains: Annotated[int, Field(ge=2)] = 16
    calls: Annotated[int, Field(ge=3)] = 8

    @property
    def localization(self) -> float:
        return max(self.localizations)


class MinimaSettings(Section):
    """The language model of `parity` as its own teacher: a minimum of the expected loss, moved by exact symmetries."""

    sequences: PositiveInt = Field(2048, description="whose targets are drawn from the network's own predictions")
    draws_of_targets: Annotated[int, Field(ge=2)] = Field(6, description="at each of which the flag must be silent")
    early_step: PositiveInt = Field(10, description="of training, at which the flag must be raised, as at step 0")
    chains: Annotated[int, Field(ge=2)] = 2
    draws: Annotated[int, Field(ge=16)] = 120
    burn_in: NonNegativeInt = 60
    calls: Annotated[int, Field(ge=3)] = Field(8, description="of the network and of each that a symmetry moves")
    starts: PositiveInt = Field(4, description="initialisations that must be flagged, at step 0 and early in training")


class LLCCalibrationSettings(Section):
    networks: list[NetworkSettings] = Field(
        of_widths(
            ([3, 3, 3], 1),
            ([6, 3, 2], 1),
            ([4, 3, 8], 0),
            ([5, 5, 5], 2),
            ([6, 4, 6], 2),
            ([3, 5, 5, 4], 3),
            ([4, 5, 5, 4], 3),
            ([2, 4, 3, 4, 2], 2),
        ),
        min_length=1,
        description="deep linear networks, each sampled from its balanced point; their estimates must be right",
    )
    hard_networks: list[NetworkSettings] = Field(
        of_widths(([5, 3, 5], 0), ([4, 6, 3, 5], 1), ([5, 5, 5, 5], 2)),
        description="others, only reported: where the rank is far from full or the multiplicity m exceeds 1, λ̂ nears "
        "its limit only as nβ^(−1/layers) or (m − 1)/log nβ",
    )
    step_sizes: StepSizes = Field([1e-5])
    nbeta: PositiveFloat = 10_000.0
    localization: PositiveFloat = 1.0
    draws: Annotated[int, Field(ge=16, description="at the smallest step; proportionally fewer at others")] = 3000
    burn_in: PositiveInt = Field(6000, description="at the smallest step; proportionally less at others")
    chains: Annotated[int, Field(ge=2, description="per call")] = 64
    calls: Annotated[int, Field(ge=3, description="independent estimates; intervals are of their spread")] = 8
    seed: NonNegativeInt = Field(0, description="another seed repeats the calibration with other noise")
    tolerance: PositiveFloat = Field(0.05, description="largest relative error of a deep linear network's estimate")
    bias_tolerance: PositiveFloat = Field(0.03, description="largest mean relative error over the networks")
    false_alarms: PositiveFloat = Field(0.05, description="largest share of healthy estimates that is flagged")
    alpha: PositiveFloat = Field(0.05, lt=1, description="1 − level of the intervals")
    strict_alpha: PositiveFloat = Field(
        0.001,
        lt=1,
        description="the same where the interval must hold an exact truth: rate at which a sound sampler fails a check",
    )
    half_width: PositiveFloat = Field(
        0.15, description="widest relative half interval there; a wider interval shows nothing"
    )
    exact: ExactSettings = ExactSettings()
    noisy: NoisySettings = NoisySettings()
    parity: ParitySettings = ParitySettings()
    strata: StrataSettings = StrataSettings()
    two_minima: TwoMinimaSettings = TwoMinimaSettings()
    minima: MinimaSettings = MinimaSettings()
    sweep: SweepSettings = SweepSettings()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.minima.early_step >= self.parity.training_steps:
            raise ValueError(
                f"minima.early_step {self.minima.early_step} must come before the end of training, "
                f"parity.training_steps {self.parity.training_steps}"
            )
        networks = [str(network) for network in (*self.networks, *self.hard_networks)]
        swept = [str(network) for network in self.sweep.networks]
        refuse_repeats(networks=networks, step_sizes=self.step_sizes)
        refuse_repeats(**{"sweep.networks": swept})
        refuse_repeats(**{f"sweep.{name}": values for name, values in self.sweep.values()})
        refuse_repeats(**{"strata.points": [tuple(point) for point in self.strata.points]})
        exact = ("regular_step_sizes", "singular_step_sizes", "crossings")
        refuse_repeats(**{f"exact.{name}": getattr(self.exact, name) for name in exact})
        return self
