"""How far networks can be compressed without training, compared with their learning coefficient (P7)."""
