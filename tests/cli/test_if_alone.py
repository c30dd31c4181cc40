"""`--if-alone`: nothing is made up beside data of somebody's own."""

from typing import Any

import pytest
from tests.store.test_business import Feed

from opsctl.catalog.generate import source_of
from opsctl.cli import filling
from opsctl.clients.postgres import DatabaseAddress, connect

pytestmark = pytest.mark.stack


class Servers:
    """The servers of a project, of which there is only a database."""

    def __init__(self, address: DatabaseAddress, feed: Feed) -> None:
        self._address, self._feed = address, feed

    def database_address(self) -> DatabaseAddress:
        """Return where it is."""
        return self._address

    def database(self) -> Any:
        """Return the connection."""
        return self._feed.connection


def test_items_and_readers_of_ones_own_are_told_from_those_that_are_made(database: DatabaseAddress):
    """Also where some that are made lie beside them, as after a command that was killed."""
    with connect(database) as connection:
        servers: Any = Servers(database, Feed(connection))

        assert filling.has_other_items(servers, seed=7)  # two of nobody's seed
        connection.execute("update content set source = %s, external_id = id::text", [source_of(7)])
        assert not filling.has_other_items(servers, seed=7)
        assert filling.has_other_items(servers, seed=8)

        assert not filling.has_real_readers(servers)
        connection.execute("insert into users (id, attributes) values (1, '{\"simulated\": true}')")
        assert not filling.has_real_readers(servers)
        connection.execute("insert into users (id) values (2)")
        assert filling.has_real_readers(servers)
