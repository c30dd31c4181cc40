// Which feed does a request ask for, if it is one that may be kept: the same rules as the service's own edge
// (`service/edge/request.py`, `service/cache/keys.py`). Whatever is not understood here is the origin's to answer.

import { POLICY } from "./policy.js";

const FEED_PATH = "/v1/feed/";
const LARGEST_ID = 2n ** 63n - 1n;
const LONGEST_CHOICE = 100;
const LONGEST_PART = 80;
const NAMES = ["limit", "region", "category"];
// What Python's `str.isprintable` says no to: controls, what is unassigned or private, separators other than a space.
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/** Return `{key, path, tags}` of the feed that a URL asks for; null for everything else. */
export async function readFeed(url) {
  const user = readUser(url.pathname);
  const query = user === null ? null : readQuery(url.search.slice(1));
  if (query === null) return null;
  const parts = await Promise.all(NAMES.map((name) => keyPart(query.get(name) ?? "")));
  const asked = new URLSearchParams(NAMES.filter((name) => query.has(name)).map((name) => [name, query.get(name)]));
  return {
    key: [`feed:${user}:v${POLICY.keyVersion}`, ...parts].join(":"),
    path: `${FEED_PATH}${user}?${asked}`,
    user,
  };
}

/** Return a user's id as it stands in a key: leading zeros do not make another user. */
export function readUser(path) {
  if (!path.startsWith(FEED_PATH)) return null;
  const text = path.slice(FEED_PATH.length);
  if (!/^[0-9]+$/.test(text)) return null;
  const plain = text.replace(/^0+(?=.)/, "");
  return plain.length <= 19 && BigInt(plain) <= LARGEST_ID ? plain : null;
}

/** Return what a query asks, in one form; null where it cannot be read, names something unknown, or something twice. */
export function readQuery(text) {
  const found = new Map();
  if (text !== "") {
    for (const pair of text.split("&")) {
      const at = pair.indexOf("=");
      const name = at < 0 ? null : decoded(pair.slice(0, at));
      const value = at < 0 ? null : decoded(pair.slice(at + 1));
      if (name === null || value === null || !NAMES.includes(name) || found.has(name)) return null;
      found.set(name, value);
    }
  }
  const limit = found.get("limit") ?? String(POLICY.defaultItems);
  if (!/^[0-9]{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > POLICY.mostItems) return null;
  found.set("limit", String(Number(limit)));
  for (const name of ["region", "category"]) {
    if (found.has(name) && !isChoice(found.get(name))) return null;
  }
  return found;
}

function decoded(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null; // The service reads some of these as they stand; it is asked.
  }
}

function isChoice(value) {
  const length = [...value].length;
  return length > 0 && length <= LONGEST_CHOICE && !UNPRINTABLE.test(value) && value === value.trim();
}

/** Return a part of a key that is ASCII without colons; a long one becomes its hash. */
async function keyPart(text) {
  const quoted = encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
  return quoted.length <= LONGEST_PART ? quoted : `~${await digestOf(text)}`;
}

/** Return the SHA-256 of a text, in hexadecimal. */
export async function digestOf(text) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
