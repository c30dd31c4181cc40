"""Who speaks: what every line tells of the service itself, as OpenTelemetry names it."""

import os
from collections.abc import Mapping

from opsctl import __version__

SERVICE_NAME = "ranking"
ENVIRONMENT_VARIABLE = "OPSCTL_ENVIRONMENT"
_LONGEST_CHARACTERS = 64


def deployment_environment(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return where this is deployed, such as `staging`; None where nobody says."""
    named = environment.get(ENVIRONMENT_VARIABLE, "").strip()[:_LONGEST_CHARACTERS]
    return named if named and named.isprintable() else None


def resource(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the fields that are the same in every line of a process."""
    deployed = deployment_environment(environment)
    fields = {"service.name": SERVICE_NAME, "service.version": __version__}
    return fields if deployed is None else fields | {"deployment.environment.name": deployed}
