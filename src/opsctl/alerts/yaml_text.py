"""How is YAML written that people read and machines compare: the same values always give the same bytes."""

from typing import Any

import yaml


class _Dumper(yaml.CSafeDumper):
    """Writes long expressions as blocks, and never an alias."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write equal values out each time."""
        return True


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def yaml_text(value: Any, *, head: str) -> str:
    """Return a document below its comment lines; keys stay in the order in which they were given."""
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    return comment + yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, width=1_000_000, allow_unicode=True, default_flow_style=False
    )
