"""What does a drill mean for each of its alerts: the right message, at every receiver, in time, and over afterwards."""

from collections.abc import Collection, Mapping

from opsctl.alerts.proving.model import Proof, ProofLevel, Sighting
from opsctl.alerts.rules import AlertRule
from opsctl.clients.alert_sink import Delivery
from opsctl.core.units import format_duration
from opsctl.evidence.model import Verdict


def judge(  # noqa: PLR0913 - what was seen, and when
    alert: AlertRule,
    sighting: Sighting,
    *,
    fault_at: float,
    undone_at: float,
    also_fired: Collection[str],
    predicted_seconds: float | None,
    is_end_awaited: bool = True,
) -> Proof:
    """Return the proof of one alert from what was seen of it; times are seconds since 1970."""
    muted_by = tuple(sorted(sighting.muted_by & set(alert.inhibited_by)))
    level = _level(alert, sighting, muted_by=muted_by, undone_at=undone_at)
    measured = _measured(alert, sighting, level=level, fault_at=fault_at)
    resolved = _resolved(alert, sighting, undone_at=undone_at)
    problems = [
        *_missing(alert, sighting, level=level),
        *_wrong(alert, sighting.messages),
        *_late(alert, measured),
    ]
    if is_end_awaited and level is ProofLevel.ARRIVED and resolved is None:
        problems.append("no message said that it was over")
    if resolved is not None and resolved < 0:
        problems.append(f"it was told to be over {format_duration(-resolved)} before the fault was undone")
    return Proof(
        alert=alert.name,
        severity=alert.severity,
        fault=alert.drill.fault if alert.drill else "",
        level=level,
        verdict=Verdict.FAIL if problems else Verdict.PASS,
        receivers=alert.receivers,
        allowed_seconds=alert.detect_within_seconds,
        measured_seconds=measured,
        predicted_seconds=predicted_seconds,
        resolved_seconds=resolved,
        is_end_awaited=is_end_awaited,
        muted_by=muted_by,
        also_fired=tuple(sorted(set(also_fired) - {alert.name})),
        problems=tuple(problems),
    )


def judge_made_up(alert: AlertRule, messages: tuple[Delivery, ...], *, sent_at: float) -> Proof:
    """Return the proof that an alert's way to its receivers works; nothing is said of whether it fires."""
    sighting = Sighting(messages=messages)
    problems = [*_missing(alert, sighting, level=ProofLevel.MADE_UP), *_wrong(alert, messages)]
    arrivals = [at for receiver in alert.receivers if (at := sighting.arrived_at(receiver)) is not None]
    return Proof(
        alert=alert.name,
        severity=alert.severity,
        fault="",
        level=ProofLevel.MADE_UP if arrivals or not alert.receivers else ProofLevel.NONE,
        verdict=Verdict.FAIL if problems else Verdict.PASS,
        receivers=alert.receivers,
        allowed_seconds=alert.detect_within_seconds,
        measured_seconds=round(max(arrivals) - sent_at, 1) if arrivals else None,
        problems=tuple(problems),
    )


def inconclusive(alert: AlertRule, why: str) -> Proof:
    """Return that nothing can be said of an alert."""
    return Proof(
        alert=alert.name,
        severity=alert.severity,
        fault=alert.drill.fault if alert.drill else "",
        level=ProofLevel.NONE,
        verdict=Verdict.INCONCLUSIVE,
        receivers=alert.receivers,
        allowed_seconds=alert.detect_within_seconds,
        predicted_seconds=alert.predicted_seconds,
        problems=(why,),
    )


def worst(verdicts: Collection[Verdict]) -> Verdict:
    """Return what many verdicts are together: one that fails fails all, and one that cannot tell leaves all open."""
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if verdict in verdicts:
            return verdict
    return Verdict.PASS if verdicts else Verdict.INCONCLUSIVE


def _level(
    alert: AlertRule, sighting: Sighting, *, muted_by: tuple[str, ...], undone_at: float
) -> ProofLevel:
    if sighting.firing_at is None and not sighting.messages:
        return ProofLevel.NONE
    if not alert.receivers:
        return ProofLevel.SHOWN
    arrivals = [at for receiver in alert.receivers if (at := sighting.arrived_at(receiver)) is not None]
    # What mutes an alert may end before it does: the message that comes then, after the undo, is none of the fault.
    if arrivals and not (muted_by and min(arrivals) > undone_at):
        return ProofLevel.ARRIVED
    return ProofLevel.MUTED if muted_by else ProofLevel.NONE


def _measured(alert: AlertRule, sighting: Sighting, *, level: ProofLevel, fault_at: float) -> float | None:
    """Return the time to the last receiver; of what is muted or only shown, to Prometheus' own word."""
    if level is ProofLevel.ARRIVED:
        arrivals = [sighting.arrived_at(receiver) for receiver in alert.receivers]
        known = [at for at in arrivals if at is not None]
        return round(max(known) - fault_at, 1) if len(known) == len(arrivals) else None
    if level in (ProofLevel.SHOWN, ProofLevel.MUTED) and sighting.firing_at is not None:
        return round(sighting.firing_at - fault_at, 1)
    return None


def _resolved(alert: AlertRule, sighting: Sighting, *, undone_at: float) -> float | None:
    over = [sighting.over_at(receiver) for receiver in alert.receivers]
    known = [at for at in over if at is not None]
    return round(max(known) - undone_at, 1) if known and len(known) == len(over) else None


def _missing(alert: AlertRule, sighting: Sighting, *, level: ProofLevel) -> list[str]:
    if level is ProofLevel.NONE:
        muted = f", muted by {', '.join(sorted(sighting.muted_by))}" if sighting.muted_by else ""
        return [f"it fired, but no message arrived{muted}" if sighting.firing_at else "it did not fire"]
    if level in (ProofLevel.MUTED, ProofLevel.SHOWN):
        return []
    lost = [receiver for receiver in alert.receivers if sighting.arrived_at(receiver) is None]
    return [f"nothing arrived at {receiver}" for receiver in lost]


def _wrong(alert: AlertRule, messages: tuple[Delivery, ...]) -> list[str]:
    """Return what a message says otherwise than the book, each once."""
    wanted: Mapping[str, str] = {
        "severity": str(alert.severity),
        "runbook": alert.annotations.get("runbook_url", ""),
    }
    wrong = []
    for message in messages:
        said = {"severity": message.severity, "runbook": message.runbook_url}
        wrong += [
            f"{message.receiver} was told {name} `{said[name]}` instead of `{value}`"
            for name, value in wanted.items()
            if said[name] != value
        ]
        if message.receiver not in alert.receivers:
            wrong.append(f"{message.receiver} was told, which is not one of its receivers")
    return list(dict.fromkeys(wrong))


def _late(alert: AlertRule, measured: float | None) -> list[str]:
    allowed = alert.detect_within_seconds
    if measured is None or measured <= allowed:
        return []
    return [f"it took {format_duration(measured)}, allowed are {format_duration(allowed)}"]
