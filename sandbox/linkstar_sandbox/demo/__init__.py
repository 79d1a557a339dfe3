"""`make demo`: real-format order files through all services to delivered parcels, judged by an independent reader."""
