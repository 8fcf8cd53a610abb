"""Is the installation well: the probe, the report behind it, and the numbers for Prometheus."""
