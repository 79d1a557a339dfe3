"""The linkstar command."""
