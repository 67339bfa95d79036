"""Commands behind make targets; no rule calls them."""
