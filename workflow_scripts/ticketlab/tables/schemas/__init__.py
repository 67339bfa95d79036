"""What each table holds, one module per kind."""
