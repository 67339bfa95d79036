"""The sections of a config, one file each, so that a change in one section's meaning concerns only its readers."""
