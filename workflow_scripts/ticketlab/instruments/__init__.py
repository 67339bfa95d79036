"""The measurements on networks: roles, distances to predictors, learning coefficients, barriers."""
