// What was invalidated, and when: a mark in KV for each time that somebody said so, read again every few seconds.
// An entry is good if it was asked for after the newest mark of all its tags. Marks are never written over, so two at once are both kept.

import { POLICY } from "./policy.js";

const EVERYTHING = "*";
const MOST_PAGES = 10; // of a thousand marks each; with more of them everything is taken for invalid.
const MOST_METADATA_BYTES = 900; // KV takes 1024.
const TAG = /^[A-Za-z0-9._:-]{1,128}$/;
// A mark and the clock of another machine may differ by so much.
const SKEW_MILLISECONDS = 1000;

export class Marks {
  constructor() {
    this.newest = new Map();
    this.checkedAt = 0;
    this.isKnown = false;
  }

  /** Read the marks again, if it is time. */
  async refresh(env) {
    if (!env.FEEDS) {
      this.isKnown = true; // Nobody can set any.
      return;
    }
    if (Date.now() - this.checkedAt < POLICY.marksSeconds * 1000) return;
    this.checkedAt = Date.now();
    try {
      let cursor;
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const found = await env.FEEDS.list({ prefix: "mark:", cursor });
        for (const { name, metadata } of found.keys) {
          for (const tag of metadata?.tags ?? [EVERYTHING]) this.note(tag, Number(name.split(":")[1]));
        }
        if (found.list_complete) {
          this.isKnown = true;
          return;
        }
        cursor = found.cursor;
      }
      this.note(EVERYTHING, Date.now());
      this.isKnown = true;
    } catch (error) {
      console.error("marks", String(error));
      this.isKnown = false; // What was invalidated is not known, so nothing that is kept is trusted until it is.
    }
  }

  /** Tell whether nothing of an entry was invalidated since it was asked for. */
  allow(entry) {
    if (!this.isKnown) return false;
    return [EVERYTHING, ...entry.tags].every((tag) => !(this.newest.get(tag) >= entry.storedAt));
  }

  /** Set a mark for these tags, null for everything. */
  async set(tags, env) {
    const now = Date.now() + SKEW_MILLISECONDS;
    // No entry outlives its own time, so no mark has to.
    const expirationTtl = Math.max(60, Math.ceil(POLICY.freshSeconds + Math.max(POLICY.staleSeconds, POLICY.errorSeconds)) + 60);
    for (const some of inMetadata(tags ?? [EVERYTHING])) {
      const name = `mark:${String(now).padStart(16, "0")}:${crypto.randomUUID()}`;
      await env.FEEDS.put(name, "", { metadata: { tags: some }, expirationTtl });
      for (const tag of some) this.note(tag, now);
    }
  }

  note(tag, at) {
    if (Number.isFinite(at) && !(this.newest.get(tag) >= at)) this.newest.set(tag, at);
  }
}

/** Return the tags of a request to invalidate; null for everything, undefined where it makes no sense. */
export function readTags(document) {
  if (document?.all === true && document.tags === undefined) return null;
  const tags = document?.tags;
  const isRight = document?.all === undefined && Array.isArray(tags) && tags.length > 0 && tags.length <= 1000;
  return isRight && tags.every((tag) => typeof tag === "string" && TAG.test(tag)) ? [...new Set(tags)] : undefined;
}

function inMetadata(tags) {
  const parts = [[]];
  let size = 0;
  for (const tag of tags) {
    if (size + tag.length + 3 > MOST_METADATA_BYTES) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1).push(tag);
    size += tag.length + 3;
  }
  return parts;
}
