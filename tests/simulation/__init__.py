"""Seeded simulation: the product's own stage, several replicas of it, on a broker and a store in memory and virtual time."""
