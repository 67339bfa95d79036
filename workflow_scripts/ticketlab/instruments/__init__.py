"""What is measured on networks: roles, distances to predictors, learning coefficients, barriers."""
