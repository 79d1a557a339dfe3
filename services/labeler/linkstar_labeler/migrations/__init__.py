"""Tables of schema `labeler`."""
