"""LinkStar measured: orders per second, latency, CPU and storage per order, beside the usual way and a bare relay."""
