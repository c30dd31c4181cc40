"""How is a text that came from outside written into Markdown or XML, so that it stays a text?"""

import re

_MARKDOWN = re.compile(r"^[+-]|(?<!&)#(?!\d+;)|[\\`*_{}\[\]!|~]")
_ADDRESS = re.compile(r"\b(https?|www)(?=[:.])")  # GitHub makes links of them
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def in_markdown(text: str) -> str:
    r"""Return text that Markdown shows as it is: no markup, no HTML, no mention, no link, on one line.

    >>> print(in_markdown("<b> a|b @team #12"))
    &lt;b&gt; a\|b &#64;team \#12
    """
    flat = re.sub(r"\s+", " ", text)
    plain = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    safe = _MARKDOWN.sub(lambda found: "\\" + found[0], plain)
    return _ADDRESS.sub(r"\1&#8203;", safe)


def in_xml(text: str) -> str:
    r"""Return text without the characters that no XML document may hold; markup is the writer's business.

    >>> in_xml("a\x00b")
    'a�b'
    """
    return _NO_XML.sub("�", text)
