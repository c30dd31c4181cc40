"""Where are the files of the caches, below the project's state folder?"""

from pathlib import Path


def service_folder(home: Path) -> Path:
    """Return the folder of everything that the service's workers on a machine share."""
    return home / "service"


def journal_path(home: Path) -> Path:
    """Return the journal of invalidations, which all workers of the machine map."""
    return service_folder(home) / "invalidations"


def store_folder(home: Path) -> Path:
    """Return the folder of L2's file, where L2 is LMDB."""
    return service_folder(home) / "l2"


def has_store(home: Path) -> bool:
    """Tell whether there is a file of L2 already, so that looking at it need not make one."""
    return (store_folder(home) / "l2.lmdb").exists()


def orders_path(home: Path) -> Path:
    """Return the file in which operators' orders to the breakers stand."""
    return service_folder(home) / "breakers.json"
