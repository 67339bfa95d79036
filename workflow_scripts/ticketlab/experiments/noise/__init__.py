"""How far the initialisation decides at each dose of noise (P1)."""
