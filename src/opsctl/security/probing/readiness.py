"""Is there anything to probe: does the service answer a feed at all, or has nobody filled its catalogue yet?"""

from opsctl.security.context import Context
from opsctl.security.probing.shortage import place_of
from opsctl.security.probing.target import READ, UNLIMITED, asking, stranger


def is_without_catalogue(context: Context) -> bool:
    """Tell whether feeds are refused for want of a catalogue, by asking for one, once.

    Raises:
        OpsError: no service answers, or there is no key.
    """
    feed = f"/v1/feed/{stranger()}?limit=1"
    with asking(context) as target:
        answer = target.once("GET", feed, key=context.service.key(plan=UNLIMITED, scopes=READ))
        target.shortage.note(place_of("GET", feed), answer)
    return target.shortage.is_without_catalogue
