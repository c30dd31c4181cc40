"""The reference ranking service, the data plane: edge in front, API behind it, caches, scoring, feeds, telemetry."""
