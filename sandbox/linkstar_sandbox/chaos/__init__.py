"""`make chaos`: the whole stack as real processes under load and seeded faults, judged afterwards by the independent reader.

Read docs/chaos.md for what is done to it and what is demanded of it.
"""
