"""What does the service of a ground count: its `/metrics`, beside all else that a drill sees of its world."""

from typing import TYPE_CHECKING

from opsctl.cli.chaos_world import GroundWorld

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.clients.exposition import Sample


class CountedWorld(GroundWorld):
    """A ground whose service is asked for its counters, too."""

    def counters(self) -> "Sequence[Sample]":
        """Return what the service counts, all workers together; nothing where it does not answer."""
        from opsctl.clients.exposition import read_samples

        traffic = self._ground.traffic
        return () if traffic is None else read_samples(f"{traffic.url}/metrics", headers=traffic.headers)
