"""What happens to a request before the API sees it, and to most without the API ever seeing it: the edge, plain ASGI."""

import asyncio
from collections.abc import Callable

from opsctl.service.api.problem import INTERNAL, METHOD, ProblemError
from opsctl.service.cache.memory import Entry
from opsctl.service.cache.single_flight import FlightEndedError
from opsctl.service.edge import problems
from opsctl.service.edge.answering import Answering
from opsctl.service.edge.answers import HIT, STALE
from opsctl.service.edge.asgi import Application, Receive, Scope, Send
from opsctl.service.edge.cells import SharedCells
from opsctl.service.edge.cors import Cors
from opsctl.service.edge.counting import Counting
from opsctl.service.edge.feeds import FeedCache, Made
from opsctl.service.edge.headers import NOT_STORED, SECURITY, accepted_request_id, request_ids
from opsctl.service.edge.hits import Hits
from opsctl.service.edge.key_model import Grant, KeyRefusedError, KeysUnavailableError
from opsctl.service.edge.keys import KeyCheck
from opsctl.service.edge.options import EdgeOptions
from opsctl.service.edge.origin import ClientGoneError
from opsctl.service.edge.passing import PassingOn, feed_scope
from opsctl.service.edge.request import FeedQueries, FeedQuery, Request
from opsctl.service.edge.sizes import refuse_large_headers, refuse_long_head

_ALIVE = b'{"status":"ok"}'


class Edge:
    """An ASGI 3 application in front of another one.

    `Cache-Control: no-cache` of a client does not go past L1: an answer is as fresh as the book says, and a client
    must not be able to make the service work harder than that.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        application: Application,
        *,
        options: EdgeOptions,
        keys: KeyCheck,
        cells: SharedCells,
        feeds: FeedCache,
        cors: Cors,
        answering: Answering,
        counting: Counting,
        render_metrics: Callable[[bytes], tuple[bytes, bytes]],
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._application = application
        self._options = options
        self._keys = keys
        self._cells = cells
        self._feeds = feeds
        self._memory = feeds.memory
        self._answering = answering
        self._counting = counting
        self._render_metrics = render_metrics
        self._clock = clock
        self._now = now
        self._cors = cors
        self._passing = PassingOn(application, answering=answering, options=options)
        self._next_request_id = request_ids()
        queries = FeedQueries(most_items=options.feed_items, default_items=options.default_items)
        self._read_query = queries.read
        self._hits = Hits(
            feeds.memory,
            keys=keys,
            cells=cells,
            queries=queries,
            cors=cors,
            next_request_id=self._next_request_id,
            clock=clock,
            now=now,
        )
        self._has_l1 = options.has_l1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or take part in the life of the server."""
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        began = self._clock()
        hit = self._hits.find(scope, began=began) if self._has_l1 else None
        if hit is not None:
            status, headers, body, _, _ = hit
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            self._answering.hit(hit, scope=scope, began=began)
            return
        request = Request(scope, began=began)
        offered = request.headers.get(b"x-request-id")
        if offered is not None and accepted_request_id(offered):
            request.request_id = offered
        else:
            request.request_id = self._next_request_id()
        try:
            await self._answer(request, receive, send)
        except ProblemError as problem:
            await self._answering.problem(request, problem, send=send)
        except ClientGoneError:
            self._answering.unheard(request)

    async def close(self) -> None:
        """Call off what is being made, and let go of the file of the rate limit; no request may come any more."""
        await self._feeds.close()
        self._cells.close()
        self.write_figures()

    def write_figures(self) -> None:
        """Hand the figures of this process over to the metrics: before they are read, and every now and then."""
        self._counting.write_out()
        self._memory.write_figures()

    async def _answer(self, request: Request, receive: Receive, send: Send) -> None:
        refuse_long_head(request)
        if self._cors.is_preflight(request):
            await self._preflight(request, send)
            return
        if not request.is_open and not (request.route == "metrics" and self._options.metrics_open):
            self._admit(request, self._remembered_grant(request) or await self._ask(request))
        query = self._feed_query(request)
        if query is None:
            await self._slowly(request, receive, send)
            return
        entry = self._memory.get(query.key(request.user_text))
        now = self._now()
        if entry is not None and now < entry.fresh_until:
            # Answered without letting anybody else run in between, so no gauge could ever show it in flight.
            self._counting.hit()
            age_seconds = now - entry.stored_at
            await self._answering.kept(request, entry.value, state=HIT, age_seconds=age_seconds, send=send)
            return
        self._counting.came()
        try:
            await self._old_or_new_feed(request, query, entry, send)
        finally:
            self._counting.went()

    async def _ask(self, request: Request) -> Grant:
        """Return what the key may do, after asking the database."""
        try:
            return await self._keys.ask(request.headers.get(b"authorization"))
        except KeyRefusedError as error:
            raise problems.bad_key(error.reason) from error
        except KeysUnavailableError as error:
            raise problems.keys_unavailable() from error

    def _remembered_grant(self, request: Request) -> Grant | None:
        """Return what the key may do; None when the database must be asked."""
        # Marks of revoked keys come with those of the caches, so they are heard before the key is looked at.
        if not self._memory.is_current:
            self._memory.catch_up()
        try:
            return self._keys.check(request.headers.get(b"authorization"))
        except KeyRefusedError as error:
            raise problems.bad_key(error.reason) from error

    def _admit(self, request: Request, grant: Grant) -> None:
        """Check scope and rate limit.

        Raises:
            RefusedError: one of them says no.
        """
        request.grant = grant
        scope = request.needed_scope
        if scope is not None and scope not in grant.scopes:
            raise problems.missing_scope(scope)
        # A user has one allowance for each plan, whichever key asks: two keys do not double it.
        who = f"u:{grant.plan}:{request.user_text}" if request.user_text else f"k:{grant.prefix}"
        verdict = request.verdict = self._cells.take(who.encode(), allowance=grant.allowance)
        if not verdict.is_allowed:
            raise problems.rate_limited(verdict)

    def _feed_query(self, request: Request) -> FeedQuery | None:
        """Return what is asked of L1; None for everything that is not L1's to answer."""
        if not request.user_text or not self._has_l1 or request.method not in {"GET", "HEAD"}:
            return None
        return self._read_query(request.query)

    async def _old_or_new_feed(
        self, request: Request, query: FeedQuery, entry: Entry | None, send: Send
    ) -> None:
        key = query.key(request.user_text)
        if entry is not None and self._feeds.is_stale(entry):
            self._refresh(request, query, key)
            await self._old_feed(request, entry, send)
        elif (
            entry is not None
            and self._feeds.stands_in(entry)
            and (self._feeds.is_paused(key) or not self._feeds.may_replace())
        ):
            await self._old_feed(request, entry, send)
        else:
            await self._new_feed(request, query, entry, send)

    def _refresh(self, request: Request, query: FeedQuery, key: str) -> None:
        """Have the feed made anew in the background, under an id of its own."""
        request_id, began = self._next_request_id(), self._clock()
        self._feeds.make_soon(
            key,
            scope=feed_scope(request, query, request_id=request_id),
            request_id=request_id.decode("ascii"),
            tell=lambda made: self._answering.refreshed(
                request, status=made.caught.status, trace=made.trace, began=began
            ),
        )

    async def _old_feed(self, request: Request, entry: Entry, send: Send) -> None:
        self._counting.stale()
        age_seconds = self._now() - entry.stored_at
        await self._answering.kept(request, entry.value, state=STALE, age_seconds=age_seconds, send=send)

    async def _new_feed(self, request: Request, query: FeedQuery, entry: Entry | None, send: Send) -> None:
        key = query.key(request.user_text)
        # Batch work may be refused where a reader's feed is made, so they do not share a flight.
        flight = f"{key} batch" if request.is_batch else key
        asked, is_first = self._memory.sequence, not self._feeds.is_being_made(flight)
        outcome = await self._make(request, query, flight, is_first=is_first)
        if (
            not is_first
            and isinstance(outcome, Made)
            and self._feeds.is_older_than(outcome, key, asked=asked)
        ):
            # The flight began before something was invalidated, this request came after it: once more, and only once.
            is_first = not self._feeds.is_being_made(flight)
            left = self._options.request_seconds - (self._clock() - request.began)
            outcome = await self._make(request, query, flight, is_first=is_first, longest_seconds=left)
        has_failed = isinstance(outcome, ProblemError) or outcome.caught.status >= 500 or outcome.is_stand_in
        if has_failed and entry is not None and self._feeds.stands_in(entry):
            await self._old_feed(request, entry, send)
            return
        self._counting.miss()
        if isinstance(outcome, ProblemError):
            raise outcome
        await self._answering.made(
            request,
            outcome.caught if is_first else problems.readdressed(outcome.caught, request=request),
            answer=outcome.answer,
            trace=outcome.trace if is_first else None,
            send=send,
        )

    async def _make(
        self,
        request: Request,
        query: FeedQuery,
        flight: str,
        *,
        is_first: bool,
        longest_seconds: float | None = None,
    ) -> Made | ProblemError:
        """Have the feed made, or wait for the flight that does so, no longer than a flight takes or `longest_seconds`."""
        try:
            async with asyncio.timeout(longest_seconds):
                return await self._feeds.make(
                    query.key(request.user_text),
                    scope=feed_scope(request, query, request_id=request.request_id),
                    request_id=request.request_id.decode("ascii"),
                    flight=flight,
                )
        except asyncio.CancelledError:
            if is_first:
                self._feeds.when_made(
                    flight, lambda made: self._answering.unheard(request, made.caught, made.trace)
                )
            raise
        except TimeoutError:
            return problems.too_late(self._options.request_seconds)
        except FlightEndedError:
            return problems.called_off()
        except Exception:  # noqa: BLE001 - the flight has logged it; whatever it was, an old answer is better
            return ProblemError(kind=INTERNAL, detail="the feed could not be made")

    async def _slowly(self, request: Request, receive: Receive, send: Send) -> None:
        """Answer what is not a cached feed."""
        refuse_large_headers(request)
        self._counting.came()
        try:
            if request.route == "health":
                await self._own(request, _ALIVE, content_type=b"application/json", send=send)
            elif request.route == "metrics":
                self.write_figures()
                accept = request.headers.get(b"accept", b"")
                body, content_type = await asyncio.to_thread(self._render_metrics, accept)
                await self._own(request, body, content_type=content_type, send=send)
            else:
                await self._passing.pass_on(request, receive, send)
        finally:
            self._counting.went()

    async def _own(self, request: Request, body: bytes, *, content_type: bytes, send: Send) -> None:
        if request.method not in {"GET", "HEAD"}:
            raise ProblemError(
                kind=METHOD, detail="this path can only be read", headers={"Allow": "GET, HEAD"}
            )
        headers = [
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            NOT_STORED,
            *SECURITY,
        ]
        await self._answering.whole(request, status=200, headers=headers, body=body, send=send)

    async def _preflight(self, request: Request, send: Send) -> None:
        if not self._cors.allows(request.headers[b"origin"]):
            raise ProblemError(kind=problems.PREFLIGHT, detail="this origin is not listed")
        headers = list(self._cors.preflight_headers())
        await self._answering.whole(request, status=204, headers=headers, body=b"", send=send)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        await self._application(scope, receive, send)
