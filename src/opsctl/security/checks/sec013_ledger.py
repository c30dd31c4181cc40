"""Was any proof in the evidence ledger changed, removed or added by hand?

Every record names the hash of the one before it, and the head names the last: the whole chain is walked. A project
without any record has nothing to verify yet, which is no pass.

Mend: find the place with `opsctl evidence verify`, compare it with a backup, and measure anew what came after it.
"""

from opsctl.core.findings import Severity
from opsctl.security.context import Context
from opsctl.security.model import Answer, SecurityCheck, Trouble, Weight, could_not_tell, failed, passed
from opsctl.security.saying import counted


def look(context: Context) -> Answer:
    """Walk the chain."""
    verification = context.verify_ledger()
    broken = [each for each in verification.findings if each.severity is Severity.ERROR]
    if broken:
        troubles = tuple(
            Trouble(title=each.title, place=str(each.location or "ledger"), location=each.location)
            for each in broken
        )
        return failed(
            f"the chain is broken in {counted(len(broken), 'place')}",
            mend="compare it with a backup: opsctl evidence verify; proofs after the first break count for nothing",
            troubles=troubles,
        )
    if not verification.records:
        return could_not_tell(
            "the ledger holds no record yet", mend="run anything that measures, such as: opsctl bench latency"
        )
    return passed(f"{counted(verification.records, 'record')}, each chained to the one before")


CHECK = SecurityCheck(
    code="SEC013",
    title="evidence ledger is unchanged",
    weight=Weight.HIGH,
    owasp="A08",
    asvs=("V16.4.2",),
    look=look,
    explanation=__doc__ or "",
)
