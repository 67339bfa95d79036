"""Effective dimension, and the size of tickets, against the learning coefficient (P7)."""
