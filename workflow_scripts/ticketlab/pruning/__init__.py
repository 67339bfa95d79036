"""Masks: how they are found, compared and varied."""
