// Which answers of the origin may be kept, for how long, and with which headers do they leave: as `service/edge/answers.py`.

import { POLICY } from "./policy.js";

// What belongs to one answer or one connection, or is said anew here; a whole allowance must not be told to somebody else.
const NOT_KEPT =
  /^(age|alt-svc|cf-.*|connection|content-encoding|content-length|date|keep-alive|nel|report-to|retry-after|server|server-timing|trailer|transfer-encoding|upgrade|x-cache|x-request-id|access-control-.*|ratelimit.*)$/;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;
const TAG = /^[A-Za-z0-9._:-]{1,128}$/;
const NOT_MODIFIED = new Set(["etag", "cache-control", "vary", "cache-tag", "x-content-type-options", "content-security-policy", "referrer-policy"]);

/** Return an entry made of a whole answer, or null for one that may not be kept. */
export function entryOf(answer, beganAt) {
  const headers = new Headers(answer.headers);
  const control = readControl(headers.get("cache-control") ?? "");
  const tags = (headers.get("cache-tag") ?? "").split(",").map((tag) => tag.trim()).filter(Boolean);
  const age = Number(headers.get("age") ?? "0");
  const fresh = Math.min(POLICY.freshSeconds, control.sMaxAge ?? 0) - (Number.isFinite(age) ? age : 0);
  if (
    answer.status !== 200 ||
    answer.body.byteLength === 0 ||
    fresh <= 0 ||
    control.isForbidden ||
    isStandIn(answer) ||
    tags.length === 0 ||
    !tags.every((tag) => TAG.test(tag)) ||
    !headers.get("etag") ||
    headers.has("set-cookie") ||
    !(headers.get("content-type") ?? "").startsWith("application/json")
  ) {
    return null;
  }
  return {
    headers: answer.headers.filter(([name]) => !NOT_KEPT.test(name)),
    body: answer.body,
    etag: headers.get("etag"),
    tags,
    // When it was asked for: what was invalidated since then may have been in it.
    storedAt: beganAt,
    bornAt: beganAt - age * 1000,
    freshUntil: beganAt + fresh * 1000,
    staleUntil: beganAt + (fresh + Math.min(POLICY.staleSeconds, control.staleSeconds)) * 1000,
    errorUntil: beganAt + (fresh + Math.min(POLICY.errorSeconds, control.errorSeconds)) * 1000,
  };
}

/** Tell whether a lower tier made a feed because something is wrong that will pass. */
export function isStandIn(answer) {
  return answer.headers.some(([name, value]) => name === "x-feed-reason" && value !== "exercise");
}

/** Return the answer to a request from an entry: whole, or 304 for who has it. */
export function answerFrom(entry, { request, state, began }) {
  const known = isKnown(request.headers.get("if-none-match"), entry.etag);
  const headers = new Headers(known ? entry.headers.filter(([name]) => NOT_MODIFIED.has(name)) : entry.headers);
  headers.set("x-cache", state);
  headers.set("age", String(Math.max(0, Math.floor((Date.now() - entry.bornAt) / 1000))));
  headers.set("x-request-id", requestIdOf(request));
  headers.set("server-timing", timing(began, state));
  const isBodiless = known || request.method === "HEAD";
  return new Response(isBodiless ? null : entry.body, { status: known ? 304 : 200, headers });
}

/** Return an answer of the origin as it goes out, to who asked for it or to who waited for it. */
export function answerOf(made, { request, began, isFirst }) {
  const headers = new Headers();
  for (const [name, value] of made.headers) {
    if (!["connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"].includes(name)) headers.append(name, value);
  }
  // Who waited has not spent what these tell of, and has an id of its own.
  if (!isFirst) {
    for (const name of [...headers.keys()]) if (name.startsWith("ratelimit")) headers.delete(name);
    headers.set("x-request-id", requestIdOf(request));
  }
  headers.append("server-timing", timing(began, isFirst ? "origin" : "waited"));
  const known = made.status === 200 && isKnown(request.headers.get("if-none-match"), headers.get("etag"));
  if (known) for (const name of ["content-type"]) headers.delete(name);
  const isBodiless = known || request.method === "HEAD" || made.status === 204 || made.status === 304;
  return new Response(isBodiless ? null : made.body, { status: known ? 304 : made.status, headers });
}

/** Return a problem of the edge's own (RFC 9457). */
export function problem(status, code, title, detail, { request, began, headers = {} }) {
  const body = JSON.stringify({ type: "about:blank", title, status, detail, code });
  return new Response(request.method === "HEAD" ? null : body, {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "x-request-id": requestIdOf(request),
      "server-timing": timing(began, code),
      ...headers,
    },
  });
}

const ids = new WeakMap();

/** Return the id of a request: the client's own where it may be repeated, else one that stays the same for it. */
export function requestIdOf(request) {
  const offered = request.headers.get("x-request-id");
  if (offered !== null && REQUEST_ID.test(offered)) return offered;
  if (!ids.has(request)) ids.set(request, crypto.randomUUID());
  return ids.get(request);
}

function timing(began, what) {
  return `worker;dur=${Math.max(0, Date.now() - began)};desc="${what}"`;
}

function isKnown(ifNoneMatch, etag) {
  if (!ifNoneMatch || !etag) return false;
  if (ifNoneMatch.trim() === "*") return true;
  return ifNoneMatch.split(",").some((part) => part.trim().replace(/^W\//, "") === etag.replace(/^W\//, ""));
}

function readControl(text) {
  const seconds = (name) => {
    const found = new RegExp(`(?:^|[\\s,])${name}=(\\d+)`, "i").exec(text);
    return found === null ? null : Number(found[1]);
  };
  return {
    isForbidden: /(?:^|[\s,])(no-store|private|no-cache)(?:$|[\s,=])/i.test(text),
    sMaxAge: seconds("s-maxage"),
    staleSeconds: seconds("stale-while-revalidate") ?? 0,
    errorSeconds: seconds("stale-if-error") ?? 0,
  };
}
