"""The silence detector beside a fixed rule, on a world whose lost parcels are known."""
