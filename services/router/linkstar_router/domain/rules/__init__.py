"""A seller's routing rules: documents, their meaning, one compiled function per rule set, and what is wrong with a set."""
