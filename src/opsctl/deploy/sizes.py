"""How is a size written for compose, and how for Kubernetes?"""

from opsctl.core.units import parse_bytes
from opsctl.deploy.book import Size

_MIB = 1024 * 1024


def mebibytes(text: str) -> int:
    """Return a size in MiB, at least one.

    >>> mebibytes("1GiB")
    1024
    """
    return max(1, parse_bytes(text) // _MIB)


def for_compose(size: Size) -> str:
    """Return the `deploy` of a service, in one line of YAML.

    >>> for_compose(Size(cpus=0.5, most_cpus=2, memory="1GiB"))
    '{resources: {limits: {cpus: "2", memory: 1024M}, reservations: {cpus: "0.5", memory: 1024M}}}'
    """
    memory = f"{mebibytes(size.memory)}M"  # compose's M is 1024 * 1024
    return (
        f'{{resources: {{limits: {{cpus: "{size.most_cpus:g}", memory: {memory}}}, '
        f'reservations: {{cpus: "{size.cpus:g}", memory: {memory}}}}}}}'
    )


def for_kubernetes(size: Size) -> str:
    """Return the `resources` of a container, in one line of YAML.

    >>> for_kubernetes(Size(cpus=0.5, most_cpus=2, memory="1GiB"))
    '{requests: {cpu: 500m, memory: 1024Mi}, limits: {cpu: 2000m, memory: 1024Mi}}'
    """
    memory = f"{mebibytes(size.memory)}Mi"
    asked, most = f"{round(size.cpus * 1000)}m", f"{round(size.most_cpus * 1000)}m"
    return f"{{requests: {{cpu: {asked}, memory: {memory}}}, limits: {{cpu: {most}, memory: {memory}}}}}"
