"""What a config may say, one file per section, so that a change in one section's meaning concerns only its readers."""
