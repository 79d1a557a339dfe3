"""The independent reader: judges a run from the outside, by its input, all topics, the tables and the carriers' ledger.

Shares no code with the services and none with the contracts: it reads JSON, headers and rows as any stranger would.
"""
