"""Behaviour suites that run on the in-memory and on the real backends alike."""
