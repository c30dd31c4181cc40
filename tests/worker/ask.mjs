// Calls functions of a rendered Worker's modules without its runtime: node ask.mjs FOLDER, questions as JSON on standard input.
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const load = (name) => import(pathToFileURL(join(folder, "src", name)));
const { kind, questions } = JSON.parse(await text(process.stdin));

async function keys() {
  const { readFeed } = await load("keys.js");
  return Promise.all(questions.map((path) => readFeed(new URL(path, "http://edge.example"))));
}

// Marks of a store that fails from the second time on; what is asked is when an entry was made, relative to now.
async function marks() {
  const { Marks } = await load("marks.js");
  const found = new Marks();
  let isBroken = false;
  const listed = { keys: [{ name: `mark:${Date.now() - 5000}:x`, metadata: { tags: ["a"] } }], list_complete: true };
  const env = { FEEDS: { list: async () => { if (isBroken) throw new Error("no KV"); return listed; } } };
  const allow = () => questions.map(([tag, age]) => found.allow({ tags: [tag], storedAt: Date.now() - age }));
  const before = allow();
  await found.refresh(env);
  const read = allow();
  isBroken = true;
  found.checkedAt = 0;
  console.error = () => {};
  await found.refresh(env);
  return { before, read, broken: allow() };
}

console.log(JSON.stringify(await { keys, marks }[kind]()));
