"""What is the API: the application that translates between HTTP and the ports, and nothing more."""

import time
from collections.abc import Callable

from fastapi import Depends, FastAPI

from opsctl.service.api.catalogue_routes import add_content_routes
from opsctl.service.api.document import add_document_routes
from opsctl.service.api.failures import handle_failures
from opsctl.service.api.feed_routes import add_feed_routes
from opsctl.service.api.interaction_routes import add_interaction_routes
from opsctl.service.api.ports import Contents, Feeds, Interactions, Readiness
from opsctl.service.api.ready_routes import add_ready_routes
from opsctl.service.api.requests import check_query
from opsctl.service.book import ServiceBook
from opsctl.service.cache.policy import CacheBook
from opsctl.service.telemetry.meters import Meters


def make_api(  # noqa: PLR0913 - the one place where everything comes together
    *,
    feeds: Feeds,
    interactions: Interactions,
    contents: Contents,
    readiness: Readiness,
    book: ServiceBook,
    cache_book: CacheBook,
    meters: Meters,
    now: Callable[[], float] = time.time,
) -> FastAPI:
    """Return the application; `now` gives the seconds since 1970."""
    api = FastAPI(
        title="Ranking service",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(check_query)],
    )
    add_feed_routes(api, feeds=feeds, book=book, meters=meters)
    add_interaction_routes(api, interactions=interactions, book=book, now=now)
    add_content_routes(api, contents=contents)
    add_ready_routes(api, readiness=readiness, has_tiers=book.resilience.ladder)
    add_document_routes(api, book=book, cache_book=cache_book)
    handle_failures(api)
    return api
