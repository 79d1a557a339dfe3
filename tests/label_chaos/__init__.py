"""Purchases of labels by real labeler processes from simulated carriers over HTTP, while both fail by seeded schedules."""
