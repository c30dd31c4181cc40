// How is the origin asked: at once for all who want the same, not longer than the book says, and not again right after a failure.

import { POLICY } from "./policy.js";

const MOST_PAUSES = 4096;
const NOT_SENT = /^(cf-.*|cdn-loop|connection|host|if-.*|range|cache-control|pragma|content-length|x-forwarded-.*|x-real-ip|true-client-ip)$/;
const flights = new Map();
const pausedUntil = new Map();

/** Return the whole answer of the origin to one question, shared with everybody who asks it meanwhile. */
export async function makeOnce(name, make, ctx) {
  const flying = flights.get(name);
  if (flying !== undefined) return { made: (await inTime(flying)).made, isFirst: false };
  const flight = make();
  flights.set(name, flight);
  const over = () => flights.get(name) === flight && flights.delete(name);
  // It goes on when who set it off leaves, and lasts until what was made is kept: who comes in between finds it here.
  ctx.waitUntil(flight.then(({ kept }) => kept).then(over, over));
  return { made: (await flight).made, isFirst: true };
}

/** Ask the origin for a feed and read the answer as a whole; bytes can be shared by requests, streams cannot. */
export async function askWhole(request, { env, path, etag }) {
  const headers = sentHeaders(request);
  if (etag) headers.set("if-none-match", etag);
  const beganAt = Date.now();
  const answer = await fetch(atOrigin(env, path), {
    headers,
    redirect: "manual",
    signal: AbortSignal.timeout(POLICY.originSeconds * 1000),
  });
  return { status: answer.status, headers: [...answer.headers], body: await answer.arrayBuffer(), beganAt };
}

/** Hand a request on as it is, and the answer back as it comes. */
export async function passOn(request, { env, url }) {
  const headers = new Headers(request.headers);
  headers.delete("host");
  return fetch(atOrigin(env, `${url.pathname}${url.search}`), {
    method: request.method,
    headers,
    body: request.body,
    redirect: "manual",
  });
}

/** Return the address of a path at the origin, and nowhere else: resolved as a link, `//other.example/` would name another host. */
function atOrigin(env, path) {
  return `${new URL(env.ORIGIN).origin}${path}`;
}

export function pause(key) {
  if (pausedUntil.size >= MOST_PAUSES) pausedUntil.clear();
  pausedUntil.set(key, Date.now() + POLICY.pauseSeconds * 1000);
}

export function isPaused(key) {
  return Date.now() < (pausedUntil.get(key) ?? 0);
}

export function isFlying(name) {
  return flights.has(name);
}

function sentHeaders(request) {
  const headers = new Headers();
  for (const [name, value] of request.headers) if (!NOT_SENT.test(name)) headers.append(name, value);
  return headers;
}

// The request that set it off may be called off by its client, and takes a flight that belongs to it along.
async function inTime(flying) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("waited too long for another request")), (POLICY.originSeconds + 1) * 1000);
  });
  try {
    return await Promise.race([flying, late]);
  } finally {
    clearTimeout(timer);
  }
}
