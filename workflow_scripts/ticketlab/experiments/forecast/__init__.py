"""Whether roles are predicted by earlier steps (P8)."""
