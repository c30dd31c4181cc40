"""What does a code, or a fault, mean: the explanations of every room, collected by code."""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from opsctl.core.errors import UsageError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.checklist.book import ChecklistBook

_ROOMS = (
    "clients",
    "config",
    "evidence",
    "embeddings",
    "store",
    "vectors",
    "project",
    "stack",
    "stack.vector_node",
    "catalog",
    "service",
    "service.api",
    "service.edge",
    "service.cache",
    "service.resilience",
    "service.scoring",
    "qdrant_collections",
    "qdrant_collections.advisor",
    "bench",
    "alerts",
    "chaos",
    "dr",
    "experiments",
    "costs",
    "dashboards",
    "runbooks",
    "exporters",
    "deploy",
    "checklist",
    "security",
    "documentation",
    "training",
)

_TOPICS = {
    "exit-codes": "Exit codes\n\n" + "\n".join(f"{code.value:>4}  {code.meaning}" for code in ExitCode),
    "environment": """Environment variables

Every setting of opsctl.yaml has one: `qdrant.url` is OPSCTL_QDRANT_URL (see `opsctl config show`).
The service reports errors to OPSCTL_SENTRY_DSN, under the name of OPSCTL_ENVIRONMENT.
Secrets: OPSCTL_QDRANT_API_KEY, OPSCTL_DATABASE_PASSWORD, OPSCTL_EMBEDDING_API_KEY, or the *_file settings.
OPSCTL_PROJECT, OPSCTL_VERBOSE, OPSCTL_COLOR and OPSCTL_OWNER stand for --project, --verbose, --color and --owner; NO_COLOR is
honoured.""",
    "precedence": """Which value holds

A flag wins over OPSCTL_*, that over opsctl.yaml, that over the user's own file
(~/.config/opsctl/opsctl.yaml), that over the default. `opsctl config show` prints the origin of each value.""",
    "CLI001": """`opsctl explain` was asked for a code or topic that it does not know.

Codes are three letters and three digits, as messages show them; `opsctl explain` lists them all. A fault may be asked for
by its name, too, such as `opsctl explain vectors_down`.""",
    "CLI002": """The command line is wrong: an unknown option, a missing argument, a value of the wrong kind.

The message on stderr names it, and the command's `--help` shows what it takes; nothing was started.""",
    "CLI003": """The command was interrupted, by Ctrl-C or by whoever runs it.

What was finished is kept, and the command can be run again: an import or a rebuild goes on where it stopped, a
measurement begins anew.""",
    "CLI004": """The command needs a package that an extra of opsctl brings, and that extra is not installed.

Without extras opsctl checks and renders books; what runs, measures or breaks things needs extras, such as `local` for
the embedded stack and `service` for the ranking service. Install the one that the message names, or all at once:
`pip install 'opsctl[local,service,load,grafana,backup,experiments,security]'`.""",
    "BUG": """A defect in opsctl: something happened that nobody thought of.

The message names a file with the details; please report it. Data is safe: every command can be run again.""",
}


def all_explanations() -> dict[str, str]:
    """Return every topic and code with its text, topics first; items of the checklist are those of the project here."""
    return _shared() | _checklist_items()


def shipped_explanations() -> dict[str, str]:
    """Return what `all_explanations` returns where the shipped books are in force, whatever project is here."""
    from opsctl.cli import checklist_books

    return _shared() | checklist_books.explained_items(_shipped_checklist())


def _shared() -> dict[str, str]:
    found = dict(_TOPICS)
    for room in _ROOMS:
        name = f"opsctl.{room}.explanations"
        if find_spec(f"opsctl.{room}") is not None and find_spec(name) is not None:
            found |= dict(sorted(import_module(name).EXPLANATIONS.items()))
    return found


def _checklist_items() -> dict[str, str]:
    """Return what each item of the checklist is for, by the project's book; by the shipped one where that cannot be read."""
    from opsctl.cli import checklist_books
    from opsctl.core.errors import OpsError

    try:
        book = checklist_books.book()
    except OpsError:
        book = _shipped_checklist()
    return checklist_books.explained_items(book)


def _shipped_checklist() -> "ChecklistBook":
    from opsctl import assets
    from opsctl.checklist.book import ChecklistBook
    from opsctl.config.load import load_book

    return load_book(assets.root() / "ops" / "checklist.yaml", ChecklistBook)


def explanation_of(name: str) -> str:
    """Return the text for a code, a topic or a fault.

    Raises:
        UsageError: CLI001 when there is none, with the nearest that there is.
    """
    return all_explanations()[code_of(name)]


def code_of(name: str) -> str:
    """Return the code or topic that is meant, upper or lower case; a fault is also known by its name.

    Raises:
        UsageError: CLI001 when there is none, with the nearest that there is.
    """
    import difflib

    from opsctl.chaos.registry import all_faults

    codes = all_explanations()
    known = {code.lower(): code for code in codes} | {each.name: each.code for each in all_faults().values()}
    if name.lower() in known:
        return known[name.lower()]
    close = difflib.get_close_matches(name.lower(), known, n=1)
    nearest = known[close[0]] if close and close[0].upper() in codes else "".join(close)
    hint = f"did you mean `{nearest}`?" if close else "run `opsctl explain` to see all codes"
    raise UsageError(f"no explanation for `{name}`", code="CLI001", fix=hint)
