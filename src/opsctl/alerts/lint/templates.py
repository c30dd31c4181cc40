"""Could Prometheus fill in a text: are its actions closed, opened, and of words that it knows?"""

import re
from collections.abc import Iterator

_ACTION = re.compile(r"\{\{-?(?P<inside>(?:\"(?:[^\"\\]|\\.)*\"|`[^`]*`|[^{}\"`])*?)-?\}\}", re.DOTALL)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|`[^`]*`")
_VARIABLE = re.compile(r"\$(?P<name>\w+)")
_GIVEN = frozenset({"labels", "value", "externalLabels", "externalURL"})
_OPENING = frozenset({"if", "range", "with"})
FUNCTIONS = frozenset(
    {"humanize", "humanizePercentage", "humanizeDuration", "humanize1024", "humanizeTimestamp", "printf"}
)
"""That may stand behind a `|`."""


def actions_of(text: str) -> list[str]:
    """Return what stands between the braces of each action.

    >>> actions_of("On {{ $labels.zone }}: {{ $value | humanize }}.")
    ['$labels.zone', '$value | humanize']
    """
    return [found["inside"].strip() for found in _ACTION.finditer(text)]


def template_problems(text: str) -> Iterator[str]:
    """Yield why Prometheus would write an error instead of the text."""
    rest = _ACTION.sub("", text)
    if "{{" in rest or "}}" in rest:
        yield "braces of a template are not balanced"
        return
    actions, open_actions = actions_of(text), list[str]()
    for inside in actions:
        yield from _of_action(inside, open_actions)
    for word in open_actions:
        yield f"`{{{{ {word} }}}}` has no `{{{{ end }}}}`"
    declared = frozenset(name for inside in actions for name in re.findall(r"\$(\w+)\s*(?::=|,)", inside))
    for inside in actions:
        for name in _VARIABLE.findall(_QUOTED.sub('""', inside)):
            if name not in _GIVEN | declared:
                yield f"there is no variable `${name}`"


def _of_action(inside: str, open_actions: list[str]) -> Iterator[str]:
    words = inside.split()
    if not words:
        yield "an action is empty"
    elif words[0] in _OPENING:
        open_actions.append(words[0])
    elif words[0] in ("end", "else") and not open_actions:
        yield f"`{{{{ {words[0]} }}}}` ends nothing that began"
    elif words[0] == "end":
        open_actions.pop()
    bare = _QUOTED.sub('""', inside)
    if bare.count("(") != bare.count(")") or '"' in bare.replace('""', ""):
        yield f"`{inside}` is not closed"
    for part in bare.split("|")[1:]:
        piped = part.replace("(", " ").replace(")", " ").split()
        if not piped or piped[0] not in FUNCTIONS:
            yield f"`{piped[0] if piped else ''}` is no function of templates"
