"""How is the local stack brought into the state from which an exercise begins?"""

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsctl.cli.training_world import BROKEN_TITLE
from opsctl.core.errors import NotReadyError, RefusedError
from opsctl.stack.model import PartName
from opsctl.training.book import Preparation

if TYPE_CHECKING:
    from collections.abc import Callable

BREAKS = (
    Preparation.PART_STOPPED,
    Preparation.VECTORS_STOPPED,
    Preparation.ALIAS_REMOVED,
    Preparation.VECTORS_BEHIND,
)
"""These take something away from whoever uses the stack."""

# A rule over `up` alone fires for every target that is gone, whatever its own drill stops.
_OF_ANY_TARGET = re.compile(r"\bup\b(?!\s*\{)")
_LEAKED_SCOPES = ("content:read", "feed:read")
_NEW_ITEMS, _NEW_SEED = 25, 4_711
_BROKEN_BOOK = f"""# The load of an exercise; `opsctl config check` says what is wrong with it.
title: {BROKEN_TITLE}

users: {{count: minus ten}}

mix:
  feed: {{share: 100, path: "/v1/feed/{{user}}?limit=20", chek: {{json_path: items}}}}

arrivals:
  - {{shape: poison, rate: 20, duration: 5}}

gates: [p99 < 500ms]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a start will do: in words, what is kept of it, and the deed itself, which may add to what is kept."""

    told: str
    facts: dict[str, Any]
    perform: "Callable[[], dict[str, Any]]"


def plan(preparation: Preparation) -> Plan:
    """Return what the start of an exercise does; nothing is changed yet.

    Raises:
        RefusedError: TRN002 the servers are not those of the local stack.
        NotReadyError: TRN005 what would be broken is not there.
    """
    if preparation is not Preparation.NOTHING:
        _require_local()
    plans: dict[Preparation, Callable[[], Plan]] = {
        Preparation.NOTHING: lambda: Plan(told="nothing is changed", facts={}, perform=dict),
        Preparation.PART_STOPPED: lambda: _stopping(
            secrets.choice(_running(PartName.VECTORS, PartName.SERVICE)), told="a part of the stack"
        ),
        Preparation.VECTORS_STOPPED: lambda: _stopping(
            _running(PartName.VECTORS)[0], told="the vector database"
        ),
        Preparation.ALIAS_REMOVED: _removing_alias,
        Preparation.KEY_LEAKED: lambda: Plan(
            told="a key is made that counts as leaked", facts={}, perform=_leak_key
        ),
        Preparation.VECTORS_BEHIND: _leaving_behind,
        Preparation.BOOK_BROKEN: _breaking_book,
    }
    return plans[preparation]()


def require_confirmed(preparation: Preparation, *, exercise: str, person: str, confirm: str | None) -> None:
    """Refuse to break the stack of a project without its name.

    Raises:
        RefusedError: TRN002.
    """
    from opsctl.cli import wiring

    name = wiring.settings().root.name
    if preparation in BREAKS and confirm != name:
        raise RefusedError(
            f"the exercise `{exercise}` breaks something of the stack of `{name}` on purpose",
            code="TRN002",
            why="whoever uses it would notice",
            fix=f"in a project for training: opsctl training start {exercise} --as {person} --confirm {name}",
        )


def _require_local() -> None:
    from opsctl.cli import wiring

    project = wiring.settings().project
    set_ones = [
        name
        for name, url in (("qdrant.url", project.qdrant.url), ("database.url", project.database.url))
        if url
    ]
    if set_ones:
        raise RefusedError(
            f"exercises are for the local stack, and `{set_ones[0]}` names a server",
            code="TRN002",
            why="what an exercise breaks may be in use there",
            fix="in a project of its own: opsctl --project ../school init",
        )


def _running(*wanted: PartName) -> list[PartName]:
    """Return those of the wanted parts that are ready."""
    from opsctl.cli import wiring
    from opsctl.stack.status import stack_status

    ready = {part.name for part in stack_status(wiring.settings().home).parts if part.ready}
    found = [name for name in wanted if name in ready]
    if not found:
        raise _not_there(f"{' and '.join(wanted)} of the stack must run", fix="opsctl stack up --watch")
    return found


def _ready_parts() -> list[str]:
    from opsctl.cli import wiring
    from opsctl.stack.status import stack_status

    return [str(part.name) for part in stack_status(wiring.settings().home).parts if part.ready]


def _stopping(part: PartName, *, told: str) -> Plan:
    answers = {"part": [str(part)], "alert": _alerts_of(f"{part}_down")}
    return Plan(
        told=f"{told} is stopped",
        facts={"parts": _ready_parts(), "answers": answers},
        perform=lambda: _stop(part),
    )


def _alerts_of(fault: str) -> list[str]:
    """Return the alerts that this fault is known to make fire: those whose drill it is, and those of any target that is gone."""
    from opsctl.cli import dashboarding

    alerts = dashboarding.rules().alerts
    return sorted(
        {
            alert.rule
            for alert in alerts
            if (alert.drill and alert.drill.fault == fault) or _OF_ANY_TARGET.search(alert.signal_expr)
        }
    )


def _stop(part: PartName) -> dict[str, Any]:
    """Stop a part without a word: which one is for the trainee to find."""
    from opsctl.cli import wiring
    from opsctl.core.events import ignore
    from opsctl.stack.down import stop_stack

    stop_stack(wiring.settings().home, listener=ignore, clock=wiring.clock(), only=(part,))
    return {}


def _removing_alias() -> Plan:
    from opsctl.cli import wiring
    from opsctl.core.events import ignore
    from opsctl.service.plan import load_collections_book

    derived = load_collections_book(wiring.settings()).derived
    with wiring.backends(ignore) as servers:
        found = sorted(set(servers.vectors().aliases()) & set(derived))
    if not found:
        raise _not_there(
            "no derived collection is built", fix="opsctl catalog generate && opsctl collections rebuild"
        )
    return Plan(
        told="the alias of a derived collection is deleted",
        facts={"alias": found[0]},
        perform=lambda: _remove_alias(found[0]),
    )


def _remove_alias(alias: str) -> dict[str, Any]:
    from opsctl.cli import wiring
    from opsctl.clients.qdrant_values import DropAlias
    from opsctl.core.events import ignore

    with wiring.backends(ignore) as servers:
        servers.vectors().change_aliases([DropAlias(alias=alias)])
    return {}


def _leak_key() -> dict[str, Any]:
    from opsctl.cli import wiring
    from opsctl.cli.asynchronous import on_database
    from opsctl.core.events import ignore
    from opsctl.store.api_keys import create_key

    with wiring.backends(ignore) as servers:
        made = on_database(
            servers,
            lambda connection: create_key(
                connection, name="training, leaked", plan="free", scopes=_LEAKED_SCOPES
            ),
        )
    return {"prefix": made.record.prefix, "scopes": [*_LEAKED_SCOPES]}


def _leaving_behind() -> Plan:
    _running(PartName.SERVICE)
    return Plan(
        told=f"the service is stopped, and {_NEW_ITEMS} items are added that have no vectors",
        facts={"parts": _ready_parts()},
        perform=_leave_behind,
    )


def _leave_behind() -> dict[str, Any]:
    from opsctl.cli import filling, wiring
    from opsctl.core.events import ignore

    _stop(PartName.SERVICE)
    with wiring.backends(ignore) as servers:
        filling.generate(
            servers, items=_NEW_ITEMS, seed=_NEW_SEED + secrets.randbelow(1_000_000), listener=ignore
        )
    return {}


def _breaking_book() -> Plan:
    """Plan the broken book; a book of that name that is no exercise's stays as it is."""
    from opsctl.cli import wiring
    from opsctl.cli.training_world import broken_book
    from opsctl.clients.files import read_text, write_atomically
    from opsctl.config.load import is_missing

    path, settings = broken_book(), wiring.settings()
    shown = f"{settings.project.books.loads}/{path.name}"
    if not is_missing(path) and BROKEN_TITLE not in read_text(path):
        raise _not_there(
            f"`{shown}` is a book of yours", fix=f"rename it: mv {path} {path.with_stem('mine')}"
        )

    def perform() -> dict[str, Any]:
        write_atomically(path, _BROKEN_BOOK)
        return {}

    return Plan(told=f"a book with mistakes is written to `{shown}`", facts={}, perform=perform)


def _not_there(what: str, *, fix: str) -> NotReadyError:
    return NotReadyError(f"the exercise has nothing to begin from: {what}", code="TRN005", fix=fix)
