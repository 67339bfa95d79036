"""Stacks of networks, trained, evaluated and kept."""
