"""The contract with CI jobs."""

from opsctl.core.exit_codes import ExitCode


def test_every_code_has_the_number_that_ci_jobs_rely_on():
    """Numbers are part of the interface and never change."""
    expected = {
        "GOOD": 0,
        "BAD_VERDICT": 1,
        "USAGE": 2,
        "NOT_READY": 3,
        "REFUSED": 4,
        "INCONCLUSIVE": 5,
        "RESIDUE": 6,
        "BUG": 70,
        "TIME_BUDGET": 124,
        "INTERRUPTED": 130,
    }

    assert {code.name: code.value for code in ExitCode} == expected


def test_every_code_has_a_meaning():
    """`opsctl explain exit-codes` has a line for each."""
    assert all(code.meaning for code in ExitCode)
