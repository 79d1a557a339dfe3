"""Fact packs that several stages read, each row with its source: remote areas, parcel sizes that cost extra."""
