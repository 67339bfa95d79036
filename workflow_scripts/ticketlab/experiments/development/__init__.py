"""Tickets that are evaluated throughout their training (P4, P5)."""
