"""What goes into `docs/openapi.json`: run `python -m opsctl.service.api.openapi`, or `make docs`."""

import sys
from typing import Any

import orjson

from opsctl.service.api.app import make_api
from opsctl.service.book import ServiceBook
from opsctl.service.cache.policy import CacheBook
from opsctl.service.telemetry.meters import Meters


def render_document() -> bytes:
    """Return the document of a service with the default books."""
    # No port is ever called: the document is made of the routes alone.
    nowhere: Any = None
    api = make_api(
        feeds=nowhere,
        interactions=nowhere,
        contents=nowhere,
        readiness=nowhere,
        book=ServiceBook(),
        cache_book=CacheBook(),
        meters=Meters(),
    )
    return orjson.dumps(api.state.document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    sys.stdout.buffer.write(render_document())
