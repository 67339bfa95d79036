"""The commands behind make targets; no rule calls them."""

from workflow_scripts.preflight import surroundings

surroundings.settle("portable")  # before anything that computes is loaded
