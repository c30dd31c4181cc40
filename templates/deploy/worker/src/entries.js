// Where are feeds kept: the cache of this place, and KV, which every place can read. What was invalidated is not found.

import { POLICY } from "./policy.js";

const SHORTEST_KV_SECONDS = 60; // KV takes no shorter expirationTtl.

export class Entries {
  constructor({ env, ctx, host, marks }) {
    this.env = env;
    this.ctx = ctx;
    this.host = host;
    this.marks = marks;
  }

  /** Return the newest good entry of a key, or null; `place` says where it was. */
  async find(key) {
    const here = this.current(await this.fromCache(key));
    if (here !== null && Date.now() < here.freshUntil) return { ...here, place: "edge" };
    const far = this.current(await this.fromKv(key));
    if (far !== null && (here === null || far.storedAt > here.storedAt)) {
      this.ctx.waitUntil(this.intoCache(key, far));
      return { ...far, place: "kv" };
    }
    return here === null ? null : { ...here, place: "edge" };
  }

  /** Keep an entry, and return when it is found here; the answer does not wait for that, and nobody waits for KV. */
  keep(key, entry) {
    if (this.env.FEEDS) this.ctx.waitUntil(this.intoKv(key, entry).catch((error) => console.error("kv", String(error))));
    return this.intoCache(key, entry).catch((error) => console.error("cache", String(error)));
  }

  current(entry) {
    return entry !== null && Date.now() < entry.errorUntil && this.marks.allow(entry) ? entry : null;
  }

  address(key) {
    return new Request(`https://${this.host}/_edge/entries/${POLICY.version}/${encodeURIComponent(key)}`);
  }

  async fromCache(key) {
    const found = await caches.default.match(this.address(key));
    if (found === undefined) return null;
    const about = parsed(found.headers.get("x-edge-entry"));
    return about === null ? null : { ...about, body: await found.arrayBuffer() };
  }

  async intoCache(key, { body, place, ...about }) {
    const seconds = Math.ceil((about.errorUntil - Date.now()) / 1000);
    if (seconds <= 0) return;
    const headers = {
      "content-type": "application/json",
      "cache-control": `public, max-age=${seconds}`,
      // So that the zone's own purge by tag finds it, too.
      "cache-tag": about.tags.join(","),
      "x-edge-entry": JSON.stringify(about),
    };
    await caches.default.put(this.address(key), new Response(body, { headers }));
  }

  async fromKv(key) {
    if (!this.env.FEEDS) return null;
    try {
      const found = await this.env.FEEDS.getWithMetadata(this.nameOf(key), { type: "text", cacheTtl: SHORTEST_KV_SECONDS });
      if (found.value === null) return null;
      // The first line is about the second.
      const at = found.value.indexOf("\n");
      const about = parsed(found.value.slice(0, at));
      return about === null ? null : { ...about, body: new TextEncoder().encode(found.value.slice(at + 1)).buffer };
    } catch (error) {
      console.error("kv", String(error)); // As L2 of the service: a store that fails costs a fetch, never an answer.
      return null;
    }
  }

  async intoKv(key, { body, place, ...about }) {
    const seconds = Math.max(SHORTEST_KV_SECONDS, Math.ceil((about.errorUntil - Date.now()) / 1000));
    const text = `${JSON.stringify(about)}\n${new TextDecoder("utf-8", { fatal: true }).decode(body)}`;
    await this.env.FEEDS.put(this.nameOf(key), text, { expirationTtl: seconds });
  }

  nameOf(key) {
    return `entry:${POLICY.version}:${key}`;
  }
}

function parsed(text) {
  try {
    const found = JSON.parse(text);
    const isWhole = Array.isArray(found?.headers) && Array.isArray(found?.tags) && typeof found?.etag === "string";
    return isWhole && [found.storedAt, found.bornAt, found.freshUntil, found.staleUntil, found.errorUntil].every(Number.isFinite) ? found : null;
  } catch {
    return null;
  }
}
