"""Which faults are there: one module each in `chaos.faults`, found by its name."""

import pkgutil
from functools import cache
from importlib import import_module

from opsctl.chaos import faults
from opsctl.chaos.model import Fault
from opsctl.core.errors import UsageError


@cache
def all_faults() -> dict[str, Fault]:
    """Return every fault by its name, in the order of their codes."""
    found = [_fault(module.name) for module in pkgutil.iter_modules(faults.__path__)]
    return {fault.name: fault for fault in sorted(found, key=lambda each: each.code)}


def fault_named(name: str) -> Fault:
    """Return a fault.

    Raises:
        UsageError: FLT000 when there is none of this name.
    """
    import difflib

    known = all_faults()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    raise UsageError(
        f"there is no fault `{name}`",
        code="FLT000",
        fix=f"did you mean `{close[0]}`?" if close else f"one of: {', '.join(known)}",
    )


def needs_of_holder(name: str) -> str:
    """Return what of the process that holds the ground a fault needs; empty where any process can make it."""
    module = import_module(f"{faults.__name__}.{fault_named(name).name}")
    return str(getattr(module, "NEEDS_OF_HOLDER", ""))


def _fault(name: str) -> Fault:
    module = import_module(f"{faults.__name__}.{name}")
    return Fault(
        name=name,
        code=module.CODE,
        title=module.TITLE,
        apply=module.apply,
        undo=module.undo,
        explanation=(module.__doc__ or "").strip(),
    )
