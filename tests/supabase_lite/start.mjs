// Starts Supabase Lite in the current folder, with a default that Node has since 22.17: byte streams of files.
//
// Supabase Lite 0.10.0 answers a download with `fileHandle.readableWebStream()`. Before Node 22.17 that stream gives
// ArrayBuffers, which no HTTP answer takes: the headers go out, then the connection breaks without a body.
import { open } from "node:fs/promises";

const handle = await open(import.meta.filename, "r");
const prototype = Object.getPrototypeOf(handle);
await handle.close();

const readableWebStream = prototype.readableWebStream;
prototype.readableWebStream = function (options = {}) {
  return readableWebStream.call(this, { type: "bytes", ...options });
};

await import("./node_modules/@supabase/lite/dist/cli/index.js");
