"""What every wing may use and what does not depend on networks: errors, randomness, statistics, jobs."""
