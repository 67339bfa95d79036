"""What every wing may use and what knows no network: errors, randomness, statistics, jobs."""
