"""The report page and the figures: sentences and drawings of tables, which decide nothing."""
