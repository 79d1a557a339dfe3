"""What people start by hand: programs beside the service that print JSON for the command line."""
