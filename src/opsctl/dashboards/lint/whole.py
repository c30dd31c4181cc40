"""Is a dashboard as a whole what Grafana keeps, at an address of its own?"""

import re
from collections import Counter
from collections.abc import Iterator

from opsctl.config.printable import escaped, unprintable_values
from opsctl.core.findings import Location, Severity
from opsctl.core.lint_checks import Complaint
from opsctl.dashboards.grafana_reading import read_back
from opsctl.dashboards.ids import UID_PREFIX
from opsctl.dashboards.lint.registry import CHECKS, LintContext

_LONGEST_UID = 40  # Grafana refuses more


@CHECKS.check("DSH016")
def uneditable(context: LintContext) -> Iterator[Complaint]:
    """A dashboard may be edited in Grafana: the next render would overwrite what somebody changed there."""
    for each in context.boards:
        if each.json.get("editable") is not False:
            yield Complaint(title=f"{each.board.name} may be edited", location=each.whole)


@CHECKS.check("DSH017")
def read_back_equal(context: LintContext) -> Iterator[Complaint]:
    """Grafana's SDK does not read back what was written: a key is lost that Grafana would not know either."""
    for each in context.boards:
        lost = read_back(each.json)
        if lost:
            yield Complaint(
                title=f"{each.board.name}: Grafana's SDK does not know {', '.join(sorted(lost)[:5])}",
                location=each.whole,
            )


@CHECKS.check("DSH021")
def unique_ids(context: LintContext) -> Iterator[Complaint]:
    """Two panels of a dashboard have one number, or one below 1: Grafana could not open them alone."""
    for each in context.boards:
        counts = Counter(panel["id"] for panel in each.json["panels"])
        for number, count in counts.items():
            if count > 1 or number < 1:
                yield Complaint(
                    title=f"{each.board.name}: {count} panels have the number {number}",
                    location=each.whole,
                    fix="rename one panel's key",
                )


@CHECKS.check("DSH022")
def uids(context: LintContext) -> Iterator[Complaint]:
    """A dashboard's address is none that Grafana keeps: at most 40 letters, digits, - and _, each once."""
    counts = Counter(each.json.get("uid") for each in context.boards)
    for each in context.boards:
        uid = str(each.json.get("uid"))
        if (
            not re.fullmatch(r"[a-zA-Z0-9_-]+", uid)
            or len(uid) > _LONGEST_UID
            or counts[uid] > 1
            or not uid.startswith(UID_PREFIX)
        ):
            yield Complaint(
                title=f"{each.board.name}: `{uid}` is no address of a dashboard",
                location=each.whole,
                fix="a shorter file name",
            )


@CHECKS.check("DSH027", Severity.WARNING)
def ignored_file(context: LintContext) -> Iterator[Complaint]:
    """A file beside the books ends in `.yml`, so nobody reads it: books end in `.yaml`."""
    for file in context.ignored:
        yield Complaint(
            title="this is no book: its name ends in `.yml`",
            location=Location(file=file),
            fix=f"mv {file} {file.removesuffix('.yml')}.yaml",
        )


@CHECKS.check("DSH028")
def unprintable(context: LintContext) -> Iterator[Complaint]:
    """A text holds a character that terminals obey, or that turns the direction of writing: it may show what it is not."""
    for each in context.boards:
        for path, is_key, character in unprintable_values(each.loaded.marks) if each.loaded else ():
            where = ".".join(str(part) for part in path)
            place = each.loaded.at(*path, of_key=is_key) if each.loaded else each.whole
            yield Complaint(
                title=f"`{where}` holds the character {escaped(character)}",
                location=place,
                fix="leave it away",
            )
