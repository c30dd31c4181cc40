"""What is weak in a Dockerfile?"""

import re
from collections.abc import Iterator

from opsctl.security.deployments.common import Weakness, image_weakness, literal_secrets

_PAIR = re.compile(r"(?P<name>\w+)=(?P<value>\"[^\"]*\"|\S*)")


def dockerfile_weaknesses(text: str) -> Iterator[Weakness]:
    """Yield what is weak; only the user of the last stage counts, for that one runs."""
    stages, user = set[str](), ""
    for name, rest in _instructions(text):
        if name == "FROM":
            words = [word for word in rest.split() if not word.startswith("--")]
            weakness = image_weakness(words[0]) if words and words[0] not in stages else None
            if weakness:
                yield Weakness("FROM", weakness)
            stages |= {words[-1]} if len(words) > 2 else set()  # FROM image AS name
            user = ""
        elif name == "USER":
            user = rest.strip()
        elif name in ("ENV", "ARG"):
            given: dict[str, object] = {
                each["name"]: each["value"].strip('"') for each in _PAIR.finditer(rest)
            }
            yield from (Weakness(name, title) for title in literal_secrets(given))
        elif name == "ADD" and "://" in rest:
            yield Weakness(
                name, "`ADD` of an address takes whatever it holds that day: fetch it with its digest"
            )
        elif name == "RUN" and re.search(r"(?:curl|wget)[^|;&]*\|\s*(?:ba|da)?sh\b", rest):
            yield Weakness(name, "a script from the network is run unseen")
    if user.partition(":")[0] in ("", "0", "root"):
        yield Weakness("USER", "it runs as root: `USER`")


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    joined = re.sub(r"\\\n(?:\s*#[^\n]*\n)*", " ", text)
    for line in joined.splitlines():
        name, _, rest = line.strip().partition(" ")
        if name and not name.startswith("#"):
            yield name.upper(), rest
