"""Tables of the stage runtime, created in every service's schema."""
