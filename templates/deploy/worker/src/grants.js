// Whose key may read feeds: only the origin knows, so what it said is remembered for a moment, under a hash of the key.
// Feeds themselves are the same for every key, as in the service's own memory; without this anybody could have one from here.

import { POLICY } from "./policy.js";

const MOST_REMEMBERED = 4096;
const remembered = new Map();

export class Grants {
  constructor({ ctx, host }) {
    this.ctx = ctx;
    this.host = host;
  }

  /** Return when the origin last took this key, in milliseconds; 0 for never, or too long ago. */
  async find(digest) {
    let at = remembered.get(digest) ?? 0;
    if (!isProven(at)) {
      const found = await caches.default.match(this.address(digest));
      if (found !== undefined) at = Math.max(at, Number(await found.text()) || 0);
      if (at > 0) remember(digest, at);
    }
    return Date.now() - at < POLICY.trustedSeconds * 1000 ? at : 0;
  }

  /** Note that the origin took the key when it was asked then. */
  prove(digest, at) {
    const isNews = !isProven(remembered.get(digest) ?? 0);
    remember(digest, at);
    if (!isNews) return;
    const headers = { "content-type": "text/plain", "cache-control": `public, max-age=${Math.ceil(POLICY.trustedSeconds)}` };
    this.ctx.waitUntil(caches.default.put(this.address(digest), new Response(String(at), { headers })));
  }

  /** Forget a key that the origin refused. */
  forget(digest) {
    remembered.delete(digest);
    this.ctx.waitUntil(caches.default.delete(this.address(digest)));
  }

  address(digest) {
    return new Request(`https://${this.host}/_edge/grants/${POLICY.version}/${digest}`);
  }
}

/** Tell whether a key that was good then need not be asked about. */
export function isProven(at) {
  return Date.now() - at < POLICY.provenSeconds * 1000;
}

function remember(digest, at) {
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(digest, Math.max(at, remembered.get(digest) ?? 0));
}
