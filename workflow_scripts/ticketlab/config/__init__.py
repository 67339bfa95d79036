"""The config of an experiment: it is read, validated, and divided into the values that each rule reads."""
