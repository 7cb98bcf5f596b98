"""What the service costs: counts and ratios, written to docs/performance.md by `make bench`."""
