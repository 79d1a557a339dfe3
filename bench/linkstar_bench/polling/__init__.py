"""Adaptive polling measured on a seeded world of parcels, beside polling at a fixed interval."""
