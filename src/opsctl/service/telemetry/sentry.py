"""Where do unforeseen errors go: to Sentry where a DSN is given, without secrets and without anybody's id."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opsctl import __version__
from opsctl.config.settings import secret
from opsctl.core.errors import NotReadyError
from opsctl.service.telemetry.process_log import ids_of
from opsctl.service.telemetry.redaction import redacted
from opsctl.service.telemetry.resource import deployment_environment

DSN_VARIABLE = "OPSCTL_SENTRY_DSN"
_DROPPED = ("request", "user", "server_name", "modules", "extra")
_SHUTDOWN_SECONDS = 2


def start_sentry(environment: Mapping[str, str] = os.environ) -> bool:
    """Report errors from now on where a DSN is set; tell whether it is.

    Events are sent from a thread of their own: a server of theirs that hangs holds nobody up.

    Raises:
        NotReadyError: SVC310 the package is not installed, or the DSN is none.
    """
    dsn = secret(variable=DSN_VARIABLE, file=None, root=Path(), environment=environment)
    if not dsn:
        return False
    try:
        import sentry_sdk
        from sentry_sdk.integrations.atexit import AtexitIntegration
        from sentry_sdk.integrations.logging import LoggingIntegration
        from sentry_sdk.utils import BadDsn
    except ImportError as error:
        raise NotReadyError(
            "the extra `opsctl[sentry]` is not installed",
            code="SVC310",
            why=f"{DSN_VARIABLE} is set: {error}",
            fix="run `pip install 'opsctl[sentry]'`, or leave the variable out",
        ) from error
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=f"opsctl@{__version__}",
            environment=deployment_environment(environment),
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[
                # What nobody catches is logged, so whatever is an error comes by this way.
                LoggingIntegration(level=None, event_level=logging.ERROR, sentry_logs_level=None),
                AtexitIntegration(callback=lambda _pending, _timeout: None),
            ],
            include_local_variables=False,
            max_breadcrumbs=0,
            traces_sample_rate=None,
            shutdown_timeout=_SHUTDOWN_SECONDS,
            before_send=scrubbed,  # type: ignore[arg-type]  # plain dictionaries, which is what it is given
        )
    except BadDsn as error:
        raise NotReadyError(
            f"{DSN_VARIABLE} is no DSN of Sentry",
            code="SVC310",
            why=str(error),
            fix="copy it from the project's settings there: https://key@host/number",
        ) from error
    return True


def scrubbed(event: dict[str, Any], hint: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event with its texts redacted, and only what is known to be harmless."""
    record = hint.get("log_record")
    kept = {name: value for name, value in event.items() if name not in _DROPPED}
    ids = kept["tags"] = ids_of(record) if isinstance(record, logging.LogRecord) else {}
    if "trace_id" in ids:
        kept["contexts"] = {"trace": {name: ids[name] for name in ("trace_id", "span_id") if name in ids}}
    if isinstance(kept.get("logentry"), dict):
        # What was put into a message may be a number that says whose request it was.
        kept["logentry"] = {name: value for name, value in kept["logentry"].items() if name != "params"}
    found: dict[str, Any] = _redacted_texts(kept)
    return found


def _redacted_texts(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {name: _redacted_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_redacted_texts(each) for each in value]
    return value
