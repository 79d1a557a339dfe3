"""Simulated carriers: labels become seeded scan journeys on the virtual clock, told to LinkStar as carriers would.

Imports no service. Its ledger is the independent witness of what truly happened to every parcel.
"""
