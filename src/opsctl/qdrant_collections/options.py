"""What may the user ask of a rebuild, beside what the book says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildOptions:
    """Choices of one command; the defaults are those of the command line.

    Args:
        allow_empty: build also where no point of the source passes the filter.
        watch_seconds: how long the new generation is watched after the swap, ready to swap back.
        max_live_p95_seconds: the copy pauses while the live alias answers slower than this.
        settle_deadline_seconds: longest wait for the graph.
        retry_seconds: how long a request to a shaken server is tried again.
        queries: searches that recall and latency are measured with.
        expected_dimension: length that the embedding gives its vectors, where it is known.
        free_bytes: room on the disk of the server, where it is known.
    """

    allow_empty: bool = False
    watch_seconds: float = 5.0
    max_live_p95_seconds: float | None = None
    settle_deadline_seconds: float = 3600.0
    retry_seconds: float = 60.0
    queries: int = 300
    expected_dimension: int | None = None
    free_bytes: int | None = None
