"""What a collection says about itself: Qdrant's collection info, and the short form for metrics."""

from typing import TYPE_CHECKING, Any

from opsctl.stack.vector_node.convert_index import shown_index
from opsctl.stack.vector_node.settings import shown_config

if TYPE_CHECKING:
    from opsctl.stack.vector_node.background import Background
    from opsctl.stack.vector_node.shard import Shard


def collection_info(shard: "Shard", background: "Background", *, held: int) -> dict[str, Any]:
    """Return the result of `GET /collections/{name}`; `held` writes wait for a copy of the shard."""
    info = shard.engine.info()
    return {
        "status": "yellow" if background.is_wanted else "green",
        "optimizer_status": "ok" if background.last_error is None else {"error": background.last_error},
        "indexed_vectors_count": info.indexed_vectors_count,
        "points_count": info.points_count,
        "segments_count": info.segments_count,
        "config": shown_config(shard.params),
        "payload_schema": {name: shown_index(each) for name, each in sorted(info.payload_schema.items())},
        "update_queue": {"length": held},
    }


def statistics(shard: "Shard", background: "Background") -> dict[str, Any]:
    """Return the figures that the front keeps for `/metrics` and `/telemetry`."""
    info = shard.engine.info()
    return {
        "points": info.points_count,
        "indexed_vectors": info.indexed_vectors_count,
        "segments": info.segments_count,
        "optimizing": background.is_wanted,
        "optimizations": background.finished_runs,
    }
