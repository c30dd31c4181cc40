"""How fast, how sure, compared with what: latency benchmarks, their registry and their reports."""
