"""Measurements beside the workflow, with the numbers that its jobs have."""

from workflow_scripts import numerics

numerics.fix("portable")  # before anything that computes is loaded
