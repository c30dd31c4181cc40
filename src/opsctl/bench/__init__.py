"""How fast, how sure, how much found: latency benchmarks, their registry and their comparison."""
