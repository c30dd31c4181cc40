"""What of a backup, a verification and a drill goes into the ledger."""

from datetime import timedelta

from opsctl.core.errors import OpsError
from opsctl.dr.manifest import BackupManifest
from opsctl.dr.verify import VerifyReport
from opsctl.evidence.model import Evidence, Verdict

BACKUP, VERIFY, DRILL = "dr.backup", "dr.verify", "dr.drill"


def backup_evidence(
    manifest: BackupManifest,
    *,
    key: str,
    seconds: float,
    valid_for: timedelta,
    trouble: OpsError | None = None,
) -> Evidence:
    """Return the evidence of a backup; its input is the digest of the manifest, under which it is kept.

    Where `trouble` kept it from being copied off-site it failed: `backup_stale` fires then, and this says why.
    """
    return Evidence(
        kind=BACKUP,
        subject=str(manifest.kind),
        verdict=Verdict.PASS if trouble is None else Verdict.FAIL,
        figures={
            "backup": manifest.backup_id,
            "parent": manifest.parent,
            "plain_bytes": sum(file.size_bytes for file in manifest.files),
            "stored_bytes": sum(file.stored_bytes for file in manifest.files),
            "collections": len(manifest.vectors),
            "points": sum(each.points for each in manifest.vectors),
            "end_lsn": manifest.base.end_lsn if manifest.base else None,
            **({} if trouble is None else {"off-site": f"{trouble.code} {trouble.message}"}),
        },
        inputs={"manifest": key.partition("@")[2].partition(".")[0]},
        tools=manifest.tools,
        started_at=manifest.started_at,
        duration_seconds=round(seconds, 3),
        valid_for=valid_for,
    )


def verify_evidence(report: VerifyReport, *, key: str, valid_for: timedelta) -> Evidence:
    """Return the evidence of a verification."""
    return Evidence(
        kind=VERIFY,
        subject=report.backup_id,
        verdict=_verdict(report),
        figures={
            "depth": str(report.depth),
            "doubts": "; ".join(f"{doubt.code} {doubt.title}" for doubt in report.doubts) or "none",
            "bytes": report.stored_bytes,
            **{f"{done.step} seconds": round(done.seconds, 3) for done in report.steps},
        },
        inputs={"manifest": key.partition("@")[2].partition(".")[0]},
        tools={},
        started_at=report.started_at,
        duration_seconds=round(report.seconds, 3),
        valid_for=valid_for,
    )


def _verdict(report: VerifyReport) -> Verdict:
    if report.is_of_this_host:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS if report.is_good else Verdict.FAIL
