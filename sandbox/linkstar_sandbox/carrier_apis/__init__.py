"""Simulators of the carriers' own web services, in one process: each speaks its carrier's published API, keeps the truth of
what it sold, and fails on demand. They import no service: they are an independent witness.
"""
