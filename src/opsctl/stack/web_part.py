"""What do the parts of the stack that answer over HTTP have in common: their address, and the port and folder they get."""

from pathlib import Path

from opsctl.stack.model import PartName, Place
from opsctl.stack.ports import HOST, choose_port


def web_place(home: Path, name: PartName, *, data_dir: Path, recorded: Place | None) -> Place:
    """Return folder and port; the recorded port is kept when it is free."""
    port = choose_port(owner=f"{home}:{name}", recorded=recorded.port if recorded else None)
    return Place(port=port, data_dir=data_dir)


def web_url(port: int) -> str:
    """Return the address of what listens at a port."""
    return f"http://{HOST}:{port}"
