"""Effective dimension and the size of tickets, compared with the learning coefficient (P7)."""
