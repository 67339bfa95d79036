"""The commands behind make targets; no rule calls them."""

from workflow_scripts import numerics

numerics.fix("portable")  # before anything that computes is loaded
