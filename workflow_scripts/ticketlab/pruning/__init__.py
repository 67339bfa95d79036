"""Masks: the search for them, their comparison and their controls."""
