"""Measurements outside the workflow, with the sizes of its jobs."""

from workflow_scripts import numerics

numerics.fix("portable")  # before anything that computes is loaded
