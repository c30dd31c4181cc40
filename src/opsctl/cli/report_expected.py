"""What do the project's books want proven, whether or not there is a proof of it yet?"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from opsctl.core.errors import OpsError

if TYPE_CHECKING:
    from opsctl.ui.site.facts import Expected

Found = tuple["Expected", ...]


def expected() -> tuple[Mapping[str, Found], Mapping[str, str]]:
    """Return by kind of evidence what is wanted, and by kind why books cannot be read; a project may have none at all."""
    found: dict[str, Found] = {}
    troubles: dict[str, str] = {}
    for kind, read in _READERS.items():
        try:
            found[kind] = read()
        except OpsError as error:
            troubles[kind] = error.message
    return found, troubles


def _alerts() -> Found:
    from opsctl.alerts.proving.evidence import rule_digest
    from opsctl.cli import watching
    from opsctl.core.units import format_duration
    from opsctl.ui.site.facts import Expected

    _, rules = watching.load_rules()
    return tuple(
        Expected(
            name=alert.name,
            digest=rule_digest(alert, rules),
            details={
                "severity": str(alert.severity),
                "receivers": ", ".join(alert.receivers),
                "drill": alert.drill.fault if alert.drill else "",
                "allowed_seconds": format_duration(alert.detect_within_seconds),
                **(
                    {}
                    if alert.predicted_seconds is None
                    else {"predicted_seconds": format_duration(alert.predicted_seconds)}
                ),
            },
        )
        for alert in rules.alerts
    )


def _drills() -> Found:
    from opsctl.cli import chaosing
    from opsctl.ui.site.facts import Expected

    return tuple(
        Expected(name=each.name, title=each.drill.title, digest=each.digest) for each in chaosing.drills(())
    )


def _losses() -> Found:
    from opsctl.cli.dr_drilling import scenarios
    from opsctl.core.units import format_duration
    from opsctl.ui.site.facts import Expected

    found = []
    for each in scenarios(everything=True):
        goals = each.goals
        times = {"rpo": format_duration(goals.rpo_seconds), "rto": format_duration(goals.rto_seconds)}
        found.append(Expected(name=each.name, title=each.recovery.title, digest=each.digest, details=times))
    return tuple(found)


def _experiments() -> Found:
    from opsctl.cli import experimenting
    from opsctl.ui.site.facts import Expected

    return tuple(
        Expected(name=each.name, title=each.experiment.title, digest=each.digest)
        for each in experimenting.loaded().experiments
    )


_READERS: Mapping[str, Callable[[], Found]] = {
    "alerts.prove": _alerts,
    "chaos.drill": _drills,
    "dr.drill": _losses,
    "experiments.analyze": _experiments,
}
