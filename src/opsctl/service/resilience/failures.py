"""What is told when something is not asked, or not in time, and which dependency a failure is of."""

from opsctl.core.errors import NotReadyError, OpsError

VECTORS, DATABASE, MODEL, L2 = "vectors", "database", "model", "l2"
DEPENDENCIES = (VECTORS, DATABASE, MODEL, L2)

_BY_PREFIX = {"COL": VECTORS, "DBS": DATABASE, "MDL": MODEL}
# What the caller asked for is not there, is malformed, or lost against another transaction: no fault of the server. A
# database that takes no writes answers every read, so nobody is to leave it alone.
_CALLERS_OWN = frozenset({"COL005", "COL006", "DBS004", "DBS008", "DBS009"})


class DependencyError(NotReadyError):
    """A dependency was left alone, had no room, or took too long."""

    def __init__(
        self, message: str, *, dependency: str, code: str, retry_after_seconds: float = 1.0, fix: str
    ) -> None:
        super().__init__(message, code=code, fix=fix)
        self.dependency = dependency
        self.retry_after_seconds = retry_after_seconds


def left_alone(dependency: str, *, retry_after_seconds: float) -> DependencyError:
    """Return the error for a call that its breaker refused."""
    return DependencyError(
        f"`{dependency}` is left alone for now",
        dependency=dependency,
        code="SVC306",
        retry_after_seconds=retry_after_seconds,
        fix="run `opsctl breakers list`, and look at the dependency: `opsctl status`",
    )


def too_late(dependency: str, *, seconds: float) -> DependencyError:
    """Return the error for a call that took longer than it may."""
    return DependencyError(
        f"`{dependency}` gave no answer within {seconds * 1000:.0f} ms",
        dependency=dependency,
        code="SVC307",
        fix=f"look at its load, or allow more by `resilience.{dependency}.timeout` in ops/service.yaml",
    )


def no_room(dependency: str, *, seconds: float) -> DependencyError:
    """Return the error for a call that found too many others under way."""
    return DependencyError(
        f"`{dependency}` has had no room for another call for {seconds * 1000:.0f} ms",
        dependency=dependency,
        code="SVC308",
        fix=f"look at its load, or allow more by `resilience.{dependency}.at_once` in ops/service.yaml",
    )


def dependency_of(error: BaseException) -> str | None:
    """Return which dependency failed; None where that cannot be told."""
    if isinstance(error, DependencyError):
        return error.dependency
    return _BY_PREFIX.get(error.code[:3]) if isinstance(error, OpsError) else None


def is_fault_of_dependency(error: BaseException) -> bool:
    """Tell whether a breaker counts it: no answer or a wrong one, but neither a no to the caller nor our own shedding."""
    if isinstance(error, DependencyError):
        return False
    return isinstance(error, OpsError) and error.code not in _CALLERS_OWN
