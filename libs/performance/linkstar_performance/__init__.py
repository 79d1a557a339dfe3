"""Lane performance, learned from counts: pure, and shared by those who promise dates and those who watch parcels."""
