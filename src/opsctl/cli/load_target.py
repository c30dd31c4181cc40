"""How does a load find the service of this project: started when it is down, with a key of its own?"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.load_address import address_of, given_key
from opsctl.core.errors import NotReadyError
from opsctl.core.events import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsctl.bench.load.book import LoadBook
    from opsctl.bench.load.ports import Address, LoadJob
    from opsctl.bench.load.run import Shadowing
    from opsctl.cli.backends import Backends
    from opsctl.stack.model import PartName
    from opsctl.vectors.state import SideState

_KEY_NAME = "opsctl bench load"
_PLAN = "bench"
_SCOPES = ("feed:read", "interactions:write", "content:read")
_SHADOW_QUERIES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTarget:
    """Where requests go, and what is known of what stands there."""

    address: "Address"
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    states: "Callable[[], Sequence[SideState]]" = tuple
    shadow: "Callable[[LoadJob], AbstractContextManager[Shadowing | None]]" = field(
        default=lambda _job: nullcontext(None)
    )
    simulated: tuple[str, ...] = ()
    engine_version: str = "-"


@contextmanager
def load_target(
    book: "LoadBook", *, folder: Path, allowed: Sequence[str], listener: Listener
) -> Iterator[LoadTarget]:
    """Give the target of a book; what was started and made for it is stopped and revoked afterwards."""
    if book.target != "service":
        key = given_key()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        yield LoadTarget(
            address=address_of(book.target, book=book, folder=folder, allowed=allowed), headers=headers
        )
        return
    from opsctl.cli import wiring

    own = wiring.settings().project.service.url
    if own is not None:
        address_of(own, book=book, folder=folder, allowed=allowed)  # refused before anything is started
    with wiring.backends(listener) as servers, ExitStack() as exit_stack:
        url = own or service_url(servers, listener=listener, exit_stack=exit_stack)
        key = given_key() or exit_stack.enter_context(_own_key(servers))
        yield LoadTarget(
            address=address_of(url, book=book, folder=folder, allowed=allowed),
            headers={"Authorization": f"Bearer {key}"},
            states=_states_reader(servers),
            shadow=_shadow_maker(book, servers),
            simulated=_simulated(),
            engine_version=servers.vectors().server_version(),
        )


def service_url(servers: "Backends", *, listener: Listener, exit_stack: ExitStack) -> str:
    """Return where the service of the stack answers; it is started for as long as the block lasts."""
    from opsctl.cli import wiring
    from opsctl.stack.borrow import borrowed_stack
    from opsctl.stack.model import PartName
    from opsctl.stack.spec import require_installed

    require_installed(*_parts_of_ours(), instead="set `service.url` to a service of your own")
    servers.database().close()  # brings the tables up to date
    servers.vectors_place()
    settings = wiring.settings()
    borrowed = borrowed_stack(
        settings.home,
        listener=listener,
        clock=wiring.clock(),
        parts=(PartName.SERVICE,),
        project=settings.root,
    )
    url = exit_stack.enter_context(borrowed).service_url
    if url is None:
        raise NotReadyError(
            "the service of the stack does not answer",
            code="BEN034",
            fix="see why: opsctl stack logs service",
        )
    return url


def _parts_of_ours() -> "Sequence[PartName]":
    """Return which parts of the stack a load on its service needs: the databases where the project does not name both."""
    from opsctl.cli import wiring
    from opsctl.stack.model import PartName
    from opsctl.stack.spec import REQUIRED

    project = wiring.settings().project
    has_own = project.database.url is not None and project.qdrant.url is not None
    return [PartName.SERVICE] if has_own else [PartName.SERVICE, *REQUIRED]


@contextmanager
def _own_key(servers: "Backends") -> Iterator[str]:
    """Give a key whose limit is out of the way; it is kept in memory only and revoked after the block."""
    from functools import partial

    from opsctl.cli import keying
    from opsctl.cli.asynchronous import on_database
    from opsctl.store.api_keys import create_key

    keying.require_sense(name=_KEY_NAME, plan=_PLAN)
    made = on_database(servers, partial(create_key, name=_KEY_NAME, plan=_PLAN, scopes=_SCOPES))
    try:
        yield made.key
    finally:
        keying.revoke(servers, made.record.prefix)


def _states_reader(servers: "Backends") -> "Callable[[], Sequence[SideState]]":
    """Return what reads the states of the book's collections that are there."""
    from opsctl.cli import wiring
    from opsctl.service.plan import load_collections_book
    from opsctl.vectors.store_view import StoreView

    book = load_collections_book(wiring.settings())

    def states() -> "Sequence[SideState]":
        store = servers.vectors()
        view = StoreView(store, using=book.source.vector)
        there = {*store.aliases(), *store.collections()}
        return [view.state(name) for name in (book.source.collection, *book.derived) if name in there]

    return states


def _shadow_maker(
    book: "LoadBook", servers: "Backends"
) -> "Callable[[LoadJob], AbstractContextManager[Shadowing | None]]":
    """Return what shadows a job's arrivals; nothing where the book asks for none or there are no vectors."""
    from opsctl.cli import wiring
    from opsctl.service.plan import load_collections_book
    from opsctl.vectors.queries import sample_queries
    from opsctl.vectors.searcher import QdrantSearcher
    from opsctl.vectors.store_view import StoreView

    def shadow(job: "LoadJob") -> "AbstractContextManager[Shadowing | None]":
        from opsctl.bench.load.requests import MixSource
        from opsctl.bench.load.shadow import ShadowPlan, ShadowSearches
        from opsctl.bench.load.sources import arrivals_of, source_of

        source = load_collections_book(wiring.settings()).source
        store = servers.vectors()
        if job.book.shadow is None or source.collection not in {*store.aliases(), *store.collections()}:
            return nullcontext(None)
        view = StoreView(store, using=source.vector)
        queries = sample_queries(view, source.collection, count=_SHADOW_QUERIES, seed=job.book.seed)
        plan = ShadowPlan(
            collection=source.collection,
            vectors=queries.vectors,
            wanted=job.book.shadow,
            seed=job.book.seed,
        )
        return ShadowSearches(
            plan,
            arrivals=arrivals_of(job, source_of(job)),
            users=MixSource(job).users,
            searcher=QdrantSearcher(store, using=source.vector),
            clock=wiring.clock(),
        )

    return shadow if book.shadow is not None else lambda _job: nullcontext(None)


def _simulated() -> tuple[str, ...]:
    """Return what of the service is simulated."""
    from opsctl.cli import wiring
    from opsctl.service.plan import load_service_book

    model = load_service_book(wiring.settings()).model
    return ("scoring model",) if model.provider == "simulated" else ()
