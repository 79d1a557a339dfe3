"""How long processing stands still when replicas join, leave, die, sleep or are rolled: `make rebalance`."""
