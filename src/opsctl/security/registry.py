"""Which checks are there: each named here, so that one is found by reading and none by accident.

SEC001 to SEC019 look at files, settings and the database; SEC020 to SEC039 probe a running service; SEC090 and above
are errors of the audit itself.
"""

import difflib
from collections.abc import Sequence

from opsctl.core.errors import UsageError
from opsctl.security.checks import sec006_permissions, sec013_ledger
from opsctl.security.model import SecurityCheck

CHECKS: tuple[SecurityCheck, ...] = (
    sec006_permissions.CHECK,
    sec013_ledger.CHECK,
)


def chosen(codes: Sequence[str]) -> tuple[SecurityCheck, ...]:
    """Return the checks with these codes, each once, in the order of the registry; all of them for no code.

    Raises:
        UsageError: SEC092 there is no such check.
    """
    known = {check.code: check for check in CHECKS}
    wanted = {code.strip().upper() for code in codes}
    for code in sorted(wanted - set(known)):
        close = difflib.get_close_matches(code, known, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        raise UsageError(
            f"there is no check `{code}`",
            code="SEC092",
            fix=f"{hint}all of them: opsctl security audit --list",
        )
    return tuple(check for check in CHECKS if not wanted or check.code in wanted)
