"""A part of the initial weights is kept, the rest drawn again (P3)."""
