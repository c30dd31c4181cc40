"""How is the ranking service shown before it runs: where it will answer and how to ask it."""

from typing import TYPE_CHECKING

from opsctl.ui.console import note

if TYPE_CHECKING:
    from opsctl.service.serve import ServePlan


def show_serve_plan(plan: "ServePlan", *, is_dry_run: bool = False) -> None:
    """Say where the service will answer, and how to ask it; it is no result, so it goes to stderr."""
    from rich.markup import escape

    host = f"[{plan.host}]" if ":" in plan.host else plan.host  # an IPv6 address
    address = escape(f"http://{host}:{plan.port}")
    would = "would run the " if is_dry_run else ""
    note(
        f"{would}ranking service at [bold]{address}[/], {plan.workers} worker{'s' if plan.workers > 1 else ''}"
    )
    note(f"  documentation  {address}/docs")
    note("  items          opsctl catalog generate, where there are none yet")
    note("  a key          opsctl security keys create --name me --expires 90d")
    note(f"  a feed         curl -i -H 'Authorization: Bearer KEY' {address}/v1/feed/1")
