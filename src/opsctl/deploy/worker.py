"""What does the edge run: a Worker whose times and limits are those of the project's books?"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict

from opsctl import assets
from opsctl.clients.files import read_text
from opsctl.deploy.book import DeployBook
from opsctl.deploy.facts import ProjectFacts
from opsctl.deploy.templating import HEADER, render

_MODULES = ("answers", "entries", "grants", "keys", "marks", "origin", "worker")


def render_worker(book: DeployBook, facts: ProjectFacts) -> Mapping[str, str]:
    """Return the folder from which `wrangler deploy` runs."""
    chosen = book.worker
    policy = {
        "feeds": facts.feeds,
        "origin_seconds": chosen.origin_seconds,
        "marks_seconds": chosen.marks_seconds,
    }
    # Of the modules too: an entry that other code has written is not read.
    modules = {f"src/{name}.js": _module(name) for name in _MODULES}
    told = f"{asdict(facts.feeds)} {''.join(modules.values())}"
    version = hashlib.sha256(told.encode()).hexdigest()[:12]
    origin = chosen.origin or f"origin.{book.domain}"
    zone = chosen.zone or ".".join(book.domain.split(".")[-2:])
    return {
        **modules,
        # Programs beside Cloudflare's, such as node, take the modules for modules.
        "package.json": f'{{"name": "{chosen.name}", "private": true, "type": "module"}}\n',
        "src/policy.js": render("worker/src/policy.js", {**policy, "version": version}),
        "wrangler.toml": render(
            "worker/wrangler.toml", {"worker": chosen, "domain": book.domain, "zone": zone, "origin": origin}
        ),
    }


def _module(name: str) -> str:
    """Return a module that holds nothing of the book: it is the same everywhere."""
    return f"// {HEADER}\n{read_text(assets.templates() / 'deploy' / 'worker' / 'src' / f'{name}.js')}"
