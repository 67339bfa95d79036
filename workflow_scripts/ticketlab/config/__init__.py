"""The file of an experiment: read, validated, and cut into what each rule reads of it."""
