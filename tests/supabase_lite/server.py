"""Supabase Lite on a database of the embedded PostgreSQL: a real server for the tests, where Node is there."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import psutil

from opsctl.clients.postgres import DatabaseAddress, connect

HERE = Path(__file__).parent
_CLI = HERE / "node_modules/@supabase/lite/dist/cli/index.js"

_CONFIG = """
[api]
port = 0

[db]
driver = "postgres"
url = "{database}"

[auth]
enabled = true
jwt_secret = "{jwt_secret}"
publishable_key = "{publishable_key}"
secret_key = "{secret_key}"

[storage]
enabled = true
file_size_limit = "50MiB"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupabaseLite:
    """A running server, its two keys, and the database behind it."""

    url: str
    secret_key: str
    publishable_key: str
    database: DatabaseAddress


def why_missing() -> str | None:
    """Return why Supabase Lite cannot be started here; None when it can."""
    if shutil.which("node") is None:
        return "Node is not installed"
    if not _CLI.is_file():
        return "Supabase Lite is not installed: make tools"
    return None


@contextmanager
def running_lite(
    database: DatabaseAddress, *, folder: Path, as_it_is: bool = False
) -> Iterator[SupabaseLite]:
    """Start Supabase Lite on a database, and end it; `as_it_is` leaves out what start.mjs adds for older Nodes."""
    with connect(database) as connection:
        connection.execute((HERE / "roles.sql").read_bytes())
    keys = {"secret_key": f"sb_secret_{secrets.token_hex(16)}"}
    keys["publishable_key"] = f"sb_publishable_{secrets.token_hex(16)}"
    config = folder / "supabase" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        _CONFIG.format(database=_with_password(database), jwt_secret=secrets.token_hex(32), **keys)
    )
    quiet = {"LITE_TELEMETRY": "0", "DO_NOT_TRACK": "1", "EXPERIMENTAL_STORAGE": "1"}
    program = _CLI if as_it_is else HERE / "start.mjs"
    with (folder / "lite.log").open("wb") as log:
        process = subprocess.Popen(
            ["node", program, "start", "--no-admin", "--host", "127.0.0.1"],
            cwd=folder,
            env=os.environ | quiet,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{_port_of(process, log=folder / 'lite.log')}"
            yield SupabaseLite(url=url, database=database, **keys)
        finally:
            process.terminate()
            process.wait(10)


def _with_password(database: DatabaseAddress) -> str:
    parts = urlsplit(database.url)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(database.password or '', safe='')}@{host}").geturl()


def _port_of(process: subprocess.Popen[bytes], *, log: Path) -> int:
    """Wait until the server listens; it was told to take any port, and does not say which one it took."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        for each in psutil.Process(process.pid).net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN:
                return int(each.laddr.port)
        time.sleep(0.05)
    raise AssertionError(f"Supabase Lite did not start:\n{log.read_text()}")
