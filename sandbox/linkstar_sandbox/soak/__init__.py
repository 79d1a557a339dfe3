"""Hours of steady load with small faults, and what must not grow: `make soak MINUTES=20`."""
