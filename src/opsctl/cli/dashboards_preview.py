"""The command `opsctl dashboards preview`: the panels drawn from a live Prometheus, where no Grafana is at hand."""

from typing import Annotated

import typer

from opsctl.cli.options import AskedPrometheus, Json, command


def register(app: typer.Typer) -> None:
    """Add the verb to the group `dashboards`."""
    command(
        app,
        "opsctl dashboards preview",
        "opsctl dashboards preview --port 9300 --prometheus http://127.0.0.1:9090",
    )(preview)


def preview(
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="Port on 127.0.0.1; 0: any.")
    ] = 9300,
    prometheus: AskedPrometheus = None,
    json: Json = False,
) -> None:
    """Draw all dashboards in the browser until Ctrl-C: read-only, on this machine only, thresholds and alerts included."""
    from contextlib import suppress

    from opsctl.cli import dashboarding
    from opsctl.cli.document import document
    from opsctl.dashboards.preview import Preview
    from opsctl.dashboards.preview_server import make_preview_server
    from opsctl.ui.console import note, print_document, print_line

    found = dashboarding.preview_parts(prometheus)
    server = make_preview_server(
        Preview(found.boards, prometheus=found.prometheus, runbooks=found.runbooks), port=port
    )
    address = f"http://{server.server_address[0]!s}:{server.server_address[1]}/"
    if json:
        data = {
            "address": address,
            "prometheus": found.prometheus.url,
            "dashboards": [each.name for each in found.boards],
        }
        print_document(document("opsctl.dashboards.preview", data=data, ok=True))
    else:
        print_line(address)
    note(f"draws what {found.prometheus.url} measures; Ctrl-C ends it")
    with suppress(KeyboardInterrupt), server:
        server.serve_forever()
