"""Speed, measured in CPU time beside the peers that install: `python -m benchmarks`."""
