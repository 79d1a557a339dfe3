"""What the tracker can bear: scans a second, calls of carriers, live parcels."""
