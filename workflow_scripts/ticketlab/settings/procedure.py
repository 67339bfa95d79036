"""The procedure by which a study looks for tickets: what another search must share to license a negative answer."""

from typing import Literal

from pydantic import Field

from workflow_scripts.ticketlab.settings.base import Section, Share


class Procedure(Section):
    """What decides whether a search could have found a winning ticket, apart from task, model and the claim itself.

    The number of rounds is no part of it: a negative answer says that no sparse ticket matches, a positive one that
    some does. Nor are shares of single tensors, which name the tensors of one model.
    """

    scope: Literal["global", "layerwise"] = Field(description="which weights compete with each other")
    keep: Share = Field(description="share of the remaining weights that a round keeps")
    schedule: Literal["constant", "cosine"] = Field(description="course of the learning rate")
    metric: Literal["loss", "error"] = Field(description="by which tickets are compared with dense and controls")

    def __str__(self) -> str:
        return f"{self.scope} pruning to {self.keep:g} a round, {self.schedule} learning rate, {self.metric}"

    def unlike(self, other: "Procedure") -> list[str]:
        """In words, each aspect in which `other` differs."""
        words = {
            "scope": "its pruning scope is {}, here {}",
            "keep": "its rounds keep {:g}, here {:g}",
            "schedule": "its learning rate schedule is {}, here {}",
            "metric": "its judged metric is {}, here {}",
        }
        pairs = {name: (getattr(other, name), getattr(self, name)) for name in words}
        return [words[name].format(*pair) for name, pair in pairs.items() if pair[0] != pair[1]]
