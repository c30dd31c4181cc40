"""How the stack starts the service: `python -m opsctl.service --project DIR --port N`."""

import argparse
import logging
import os
import sys
from pathlib import Path

from opsctl.config.settings import resolve_settings, user_file
from opsctl.core.errors import OpsError
from opsctl.service.listening import with_free_address
from opsctl.service.plan import plan_service
from opsctl.service.serve import serve
from opsctl.service.telemetry.process_log import configure_logging

logger = logging.getLogger("opsctl.service")


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    arguments = _parse(sys.argv[1:])
    configure_logging()
    try:
        settings = resolve_settings(
            root=arguments.project, environment=os.environ, user_file=user_file(os.environ), flags={}
        )
        plan = plan_service(settings, host=arguments.host, port=arguments.port)
        serve(with_free_address(plan))
    except OpsError as error:
        logger.error("%s %s: %s", error.code, error.message, error.why or error.fix)  # noqa: TRY400 - no defect, so no stack trace
        return int(error.exit_code)
    return 0


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m opsctl.service", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="the project folder")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
