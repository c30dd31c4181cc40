// The edge in front of the ranking service: feeds from the nearest place, for whoever's key the origin takes.
// It keeps what the origin's headers allow and answers as the service's own edge does (`docs/caches.md`).

import { answerFrom, answerOf, entryOf, isStandIn, problem } from "./answers.js";
import { Entries } from "./entries.js";
import { Grants, isProven } from "./grants.js";
import { digestOf, readFeed } from "./keys.js";
import { Marks, readTags } from "./marks.js";
import { askWhole, isFlying, isPaused, makeOnce, passOn, pause } from "./origin.js";

const LARGEST_ORDER_BYTES = 256 * 1024;
const REFUSED = new Set([401, 403, 429]);
const marks = new Marks();

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    const told = { request, began: Date.now() };
    try {
      if (url.pathname === "/_edge/invalidate") return await invalidate(request, env, told);
      // Figures are for who is inside; the rest of this path is ours.
      if (/^\/+(metrics|_edge)(\/|$)/i.test(decodedPath(url.pathname))) {
        return problem(404, "EDG404", "no such path", "there is no such path here", told);
      }
      const asked = isPlain(request) ? await readFeed(url) : null;
      if (asked === null) return await passOn(request, { env, url });
      return await new FeedEdge({ request, env, ctx, url, told }).answer(asked);
    } catch (error) {
      console.error("origin", String(error));
      return problem(502, "EDG502", "no answer from the origin", "the service behind this edge does not answer", { ...told, headers: { "retry-after": "1" } });
    }
  },
};

/** Return a path as the origin reads it, so that `/%6detrics` is no way around a name. */
function decodedPath(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path.replace(/%[0-7][0-9a-f]/gi, decodeURIComponent);
  }
}

/** Tell whether a request may be answered from what is kept: no page of another site, no part, no work that may wait. */
function isPlain(request) {
  const { headers, method } = request;
  return (
    (method === "GET" || method === "HEAD") &&
    headers.has("authorization") &&
    !headers.has("origin") &&
    !headers.has("range") &&
    headers.get("priority") !== "u=7"
  );
}

class FeedEdge {
  constructor({ request, env, ctx, url, told }) {
    Object.assign(this, { request, env, ctx, told });
    this.entries = new Entries({ env, ctx, host: url.host, marks });
    this.grants = new Grants({ ctx, host: url.host });
  }

  async answer(asked) {
    this.asked = asked;
    this.digest = await digestOf(this.request.headers.get("authorization"));
    await marks.refresh(this.env);
    const [grantedAt, entry] = await Promise.all([this.grants.find(this.digest), this.entries.find(asked.key)]);
    this.entry = entry;
    this.isTrusted = grantedAt > 0;
    this.isProven = isProven(grantedAt);
    if (entry !== null && this.isProven) {
      const now = Date.now();
      if (now < entry.freshUntil) return this.kept(entry.place === "kv" ? "HIT-KV" : "HIT-EDGE");
      if (now < entry.staleUntil) {
        this.refresh();
        return this.kept("STALE");
      }
    }
    if (entry !== null && this.isTrusted && isPaused(asked.key)) return this.kept("STALE");
    return this.made();
  }

  /** Have the origin make it, or say that what is kept is still right; what is kept stands in for a failure. */
  async made() {
    let outcome;
    try {
      outcome = await this.make(this.entry !== null && !this.isProven ? this.entry.etag : null);
      // What the origin refused, it refused to the key of whoever asked; who only waited asks with their own.
      if (!outcome.isFirst && REFUSED.has(outcome.made.status)) outcome = await this.makeAlone();
    } catch (error) {
      console.error("origin", String(error));
      if (this.standsIn()) return this.kept("STALE");
      throw error;
    }
    const { made, isFirst } = outcome;
    if (made.status === 304 && this.entry !== null) return this.kept(Date.now() < this.entry.freshUntil ? "HIT-EDGE" : "STALE");
    if ((made.status >= 500 || isStandIn(made)) && this.standsIn()) return this.kept("STALE");
    return answerOf(made, { ...this.told, isFirst });
  }

  refresh() {
    if (isPaused(this.asked.key) || isFlying(this.asked.key)) return;
    this.ctx.waitUntil(this.make(null).catch((error) => console.error("refresh", String(error))));
  }

  make(etag) {
    const { key, path } = this.asked;
    // Who is not known to have a good key must not get what somebody else's key fetched.
    const name = this.isProven ? key : [key, this.digest, etag ?? ""].join("|");
    return makeOnce(name, () => this.fetched({ key, path, etag }), this.ctx);
  }

  /** Have it made for this key, whoever else waits for it. */
  makeAlone() {
    const { key, path } = this.asked;
    return makeOnce([key, this.digest, "alone"].join("|"), () => this.fetched({ key, path, etag: null }), this.ctx);
  }

  async fetched({ key, path, etag }) {
    try {
      const made = await askWhole(this.request, { env: this.env, path, etag });
      this.learn(made);
      if (made.status >= 500 || isStandIn(made)) pause(key);
      const entry = entryOf(made, made.beganAt);
      entry?.tags.push(`user-${this.asked.user}`); // a reader's feeds may be dropped as a whole, too
      return { made, kept: entry === null ? null : this.entries.keep(key, entry) };
    } catch (error) {
      pause(key);
      throw error;
    }
  }

  /** Remember whether the origin took the key. */
  learn(made) {
    if (made.status === 200 || made.status === 304) this.grants.prove(this.digest, made.beganAt);
    if (made.status === 401 || made.status === 403) this.grants.forget(this.digest);
  }

  standsIn() {
    return this.entry !== null && this.isTrusted && Date.now() < this.entry.errorUntil;
  }

  kept(state) {
    return answerFrom(this.entry, { ...this.told, state });
  }
}

/** Drop what is kept by its tags, or all of it: `{"tags": ["content-4711"]}` or `{"all": true}`, with the token. */
async function invalidate(request, env, told) {
  if (request.method !== "POST") return problem(405, "EDG405", "method not allowed", "this path takes POST", { ...told, headers: { allow: "POST" } });
  if (!(Number(request.headers.get("content-length") ?? NaN) <= LARGEST_ORDER_BYTES)) {
    return problem(413, "EDG413", "too large", `an order has a Content-Length of at most ${LARGEST_ORDER_BYTES} bytes`, told);
  }
  // Read before anything is refused: an answer before the end of a body would cost the client its connection.
  const text = await request.text();
  if (!env.PURGE_TOKEN || !env.FEEDS) {
    return problem(503, "EDG503", "not set up", "the secret PURGE_TOKEN or the KV namespace FEEDS is missing", told);
  }
  if (!(await isToken(request.headers.get("authorization") ?? "", env.PURGE_TOKEN))) {
    return problem(401, "EDG401", "wrong token", "the token is missing or wrong", { ...told, headers: { "www-authenticate": "Bearer" } });
  }
  let tags;
  try {
    tags = readTags(JSON.parse(text));
  } catch {
    tags = undefined;
  }
  if (tags === undefined) {
    return problem(400, "EDG400", "invalid request", 'write {"tags": [...]} with up to 1000 tags, or {"all": true}', told);
  }
  await marks.set(tags, env);
  return Response.json({ invalidated: tags ?? "all" }, { headers: { "cache-control": "no-store" } });
}

/** Compare in a time that does not tell how much of a token was right. */
async function isToken(authorization, token) {
  const [given, right] = await Promise.all([digestOf(authorization), digestOf(`Bearer ${token}`)]);
  let difference = 0;
  for (let at = 0; at < right.length; at += 1) difference |= given.charCodeAt(at) ^ right.charCodeAt(at);
  return difference === 0;
}
