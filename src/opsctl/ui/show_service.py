"""How is the ranking service shown before it runs: where it will answer and how to ask it."""

from typing import TYPE_CHECKING

from opsctl.ui.console import err

if TYPE_CHECKING:
    from opsctl.service.serve import ServePlan


def show_serve_plan(plan: "ServePlan") -> None:
    """Say where the service will answer, and how to ask it; it is no result, so it goes to stderr."""
    address = f"http://{plan.host}:{plan.port}"
    err().print(
        f"ranking service at [bold]{address}[/], {plan.workers} worker{'s' if plan.workers > 1 else ''}"
    )
    err().print(f"  documentation  {address}/docs", highlight=False)
    err().print("  a key          opsctl security keys create --name me", highlight=False)
    err().print(
        f"  a feed         curl -i -H 'Authorization: Bearer KEY' {address}/v1/feed/1", highlight=False
    )
