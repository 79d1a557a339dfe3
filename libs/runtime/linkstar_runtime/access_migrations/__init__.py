"""Tables of schema `access`: API keys."""
