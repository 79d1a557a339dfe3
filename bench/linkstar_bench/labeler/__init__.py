"""The labeler measured: how fast labels are bought and printed, and whether a scanner reads each of them."""
