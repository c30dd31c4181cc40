"""How does an audit of security look: what fails and how to mend it first, then what could not be told."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from opsctl.core.units import format_age
from opsctl.security.audit import Audit, Checked
from opsctl.security.model import SecurityCheck, State, Trouble
from opsctl.security.saying import counted
from opsctl.security.standards import ASVS_EDITION, OWASP_EDITION
from opsctl.ui.console import hint, out, print_line, print_markup, warn
from opsctl.ui.table import show_table

_MOST_TROUBLES = 8
_NARROWEST, _WIDEST = 40, 100  # a longer line is hard to read
_MARKS = {
    State.FAIL: ("✘", "red"),
    State.UNKNOWN: ("?", "yellow"),
    State.WAIVED: ("~", "cyan"),
    State.PASS: ("✔", "green"),
}
_WORDS = {
    State.FAIL: "failed",
    State.UNKNOWN: "could not tell",
    State.WAIVED: "waived",
    State.PASS: "passed",
}


def show_checks(checks: Sequence[SecurityCheck]) -> None:
    """Print a table of the checks."""
    rows = [(check.code, check.title, str(check.weight), check.owasp) for check in checks]
    show_table(("code", "looks at", "severity", "OWASP"), rows)
    print_line(f"\n{OWASP_EDITION}; rows of {ASVS_EDITION}: `--json`, docs/security.md")
    hint("`opsctl explain CODE` says what a check looks at")


def show_audit(audit: Audit) -> None:
    """Print an audit, the worst first."""
    for state in (State.FAIL, State.UNKNOWN, State.WAIVED):
        for each in audit.in_state(state):
            _show_one(each)
    for each in audit.in_state(State.PASS):
        _show_head(each)
    _show_secrets([figures for each in audit.checked for figures in each.figures.get("secrets", ())])
    for uncounted in audit.uncounted:
        place = f" at {uncounted.waiver.place}" if uncounted.waiver.place else ""
        warn(
            f"the waiver of {uncounted.waiver.code}{place} ({uncounted.waiver.owner}) does not count: {uncounted.why}"
        )
    _show_end(audit)


def _show_one(checked: Checked) -> None:
    _show_head(checked)
    _show_troubles(checked.troubles)
    for waiver in dict.fromkeys(accepted.waiver for accepted in checked.accepted):
        count = sum(accepted.waiver is waiver for accepted in checked.accepted)
        many = f" ({count})" if count > 1 else ""
        _show_wrapped(f"waived{many}: {waiver.reason} ({waiver.owner}, until {waiver.expires})", indent=9)
    if checked.mend and checked.state is not State.WAIVED:
        label = "mend" if checked.state is State.FAIL else "to tell"
        _show_wrapped(f"{label}: {checked.mend}", indent=9)
    print_line("")


def _show_head(checked: Checked) -> None:
    from rich.markup import escape

    mark, colour = _MARKS[checked.state]
    weight = "" if checked.state is State.PASS else f" ({checked.check.weight})"
    print_markup(f"[{colour}]{mark} {checked.check.code}[/] [bold]{escape(checked.check.title)}[/]{weight}")
    _show_wrapped(checked.reason, indent=9)


def _show_troubles(troubles: Sequence[Trouble]) -> None:
    for trouble in troubles[:_MOST_TROUBLES]:
        _show_wrapped(f"- {_where(trouble)}{trouble.title}", indent=9, hanging=2)
    if len(troubles) > _MOST_TROUBLES:
        _show_wrapped(f"and {len(troubles) - _MOST_TROUBLES} more; --json shows all", indent=9)


def _where(trouble: Trouble) -> str:
    """Return where it is, as a waiver would name it, unless its title says so."""
    if trouble.location is not None and trouble.location.line:
        return f"{trouble.location}: "
    return "" if trouble.place in trouble.title else f"{trouble.place}: "


def _show_wrapped(text: str, *, indent: int, hanging: int = 0) -> None:
    """Print a text at the width of a terminal; a word that is longer, such as a path, stays whole."""
    width = min(max(_NARROWEST, out().width), _WIDEST)
    lines = textwrap.wrap(
        text,
        width=width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines or [""]:
        print_line(line)


def _show_secrets(secrets: Sequence[Mapping[str, Any]]) -> None:
    """Print where each secret comes from and how old it is; what it is nobody here knows."""
    from rich.markup import escape

    if not secrets:
        return
    print_line("")
    rows = [(escape(each["name"]), escape(each["origin"]), _age(each["age_seconds"])) for each in secrets]
    show_table(("secret", "from", "age"), rows)


def _age(seconds: float | None) -> str:
    return "-" if seconds is None else format_age(seconds)


def _show_end(audit: Audit) -> None:
    counts = audit.counts
    told = ", ".join(f"{counts[state]} {_WORDS[state]}" for state in _WORDS if counts[state])
    print_line(f"\n{counted(len(audit.checked), 'check')}: {told or 'none'}")
    if audit.in_state(State.FAIL):
        hint(
            "`opsctl explain CODE` says more; ops/waivers.yaml accepts what is not mended, with owner and last day"
        )
