"""The router measured: what a decision costs by itself, and how fast quotes answer while orders pass."""
