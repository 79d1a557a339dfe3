"""The smallest service there can be: a stage over two topics that counts facts per order."""
