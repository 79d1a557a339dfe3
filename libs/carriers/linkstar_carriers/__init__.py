"""The way to carriers' web services: accounts, hosts, calls with typed ends, and what accounts for tracking may ask."""
