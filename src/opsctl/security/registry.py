"""Which checks are there: each named here, so that one is found by reading and none by accident.

SEC001 to SEC089 look at files, settings and the database, SEC090 to SEC099 are errors of the audit itself, and SEC101 and
above probe a running service.
"""

import difflib
from collections.abc import Sequence

from opsctl.core.errors import UsageError
from opsctl.security.checks import (
    sec001_secrets_in_files,
    sec002_secrets_in_history,
    sec003_secrets_in_logs,
    sec004_vulnerable_packages,
    sec005_static_analysis,
    sec006_permissions,
    sec007_default_credentials,
    sec008_api_keys,
    sec009_secrets_by_reference,
    sec010_encryption_on_the_way,
    sec011_deployment_files,
    sec012_open_ports,
    sec013_ledger,
    sec101_rate_limit,
    sec102_cors,
    sec103_headers,
    sec104_contract,
    sec105_fuzz,
    sec106_sql_injection,
    sec107_authentication,
    sec108_objects,
    sec109_leaks,
    sec110_log_secrets,
    sec111_limits,
)
from opsctl.security.model import SecurityCheck

CHECKS: tuple[SecurityCheck, ...] = (
    sec001_secrets_in_files.CHECK,
    sec002_secrets_in_history.CHECK,
    sec003_secrets_in_logs.CHECK,
    sec004_vulnerable_packages.CHECK,
    sec005_static_analysis.CHECK,
    sec006_permissions.CHECK,
    sec007_default_credentials.CHECK,
    sec008_api_keys.CHECK,
    sec009_secrets_by_reference.CHECK,
    sec010_encryption_on_the_way.CHECK,
    sec011_deployment_files.CHECK,
    sec012_open_ports.CHECK,
    sec013_ledger.CHECK,
    sec101_rate_limit.CHECK,
    sec102_cors.CHECK,
    sec103_headers.CHECK,
    sec104_contract.CHECK,
    sec105_fuzz.CHECK,
    sec106_sql_injection.CHECK,
    sec107_authentication.CHECK,
    sec108_objects.CHECK,
    sec109_leaks.CHECK,
    sec110_log_secrets.CHECK,
    sec111_limits.CHECK,
)


_FIRST_PROBE = "SEC101"


def is_probe(check: SecurityCheck) -> bool:
    """Tell whether a check asks the running service."""
    return check.code >= _FIRST_PROBE


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
