// Runs a rendered Worker under workerd, with the cache and KV of miniflare: node start.mjs FOLDER ORIGIN [nokv]
// Prints its address, and ends with its standard input.
import { join } from "node:path";
import { Miniflare } from "miniflare";

const [folder, origin, ...options] = process.argv.slice(2);
const worker = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  cf: false, // otherwise it would ask Cloudflare where it is
  modules: true,
  modulesRoot: folder,
  modulesRules: [{ type: "ESModule", include: ["**/*.js"] }],
  scriptPath: join(folder, "src", "worker.js"),
  compatibilityDate: "2026-02-01",
  bindings: { ORIGIN: origin, PURGE_TOKEN: "purge-token" },
  kvNamespaces: options.includes("nokv") ? [] : ["FEEDS"],
});
const address = await worker.ready;
console.log(`ready ${address.origin}`);
process.stdin.on("end", () => worker.dispose().then(() => process.exit(0)));
process.stdin.resume();
