// Builds assets/js/*.js and assets/css/*.css into webapp/static/dist: hashed names, .br and .gz beside them,
// and manifest.json, which maps the plain names to the hashed ones.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const target = path.join(here, "../webapp/static/dist");
const htmx = createRequire(import.meta.url).resolve("htmx.org/dist/htmx.min.js");

async function sources(folder, ending) {
  const names = await readdir(path.join(here, folder));
  return names.filter((name) => name.endsWith(ending)).map((name) => path.join(here, folder, name));
}

async function bundled(entryPoints, options) {
  const result = await build({ entryPoints, bundle: true, minify: true, write: false, outdir: "/", ...options });
  return result.outputFiles.map((file) => [path.basename(file.path), Buffer.from(file.contents)]);
}

const files = new Map([
  ...(await bundled(await sources("js", ".js"), { format: "iife", target: "es2020" })),
  // The kernels of old in-app browsers: newer syntax is rewritten for them where it can be.
  ...(await bundled(await sources("css", ".css"), { target: ["chrome80", "safari13"] })),
]);
// htmx goes out as it was shipped, before our own code; our modules use it as `window.htmx`.
files.set("app.js", Buffer.concat([await readFile(htmx), Buffer.from("\n"), files.get("app.js")]));

// The service worker is told what it keeps from its first moment; it goes last, when the others have their names.
const KEPT = ["app.js", "outbox.js"];
const worker = files.get("sw.js");
files.delete("sw.js");
const sorted = [...files].sort();
if (worker) sorted.push(["sw.js", worker]);

await mkdir(target, { recursive: true });
const manifest = {};
const written = new Set(["manifest.json"]);
for (const [name, source] of sorted) {
  const content = name === "sw.js" ? Buffer.concat([Buffer.from(workerHead()), source]) : source;
  const { name: stem, ext } = path.parse(name);
  const hashed = `${stem}.${createHash("sha256").update(content).digest("hex").slice(0, 10)}${ext}`;
  const brotli = brotliCompressSync(content, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
  });
  for (const [ending, bytes] of [["", content], [".br", brotli], [".gz", gzipSync(content, { level: 9 })]]) {
    await writeFile(path.join(target, hashed + ending), bytes);
    written.add(hashed + ending);
  }
  manifest[name] = hashed;
  console.log(`  ${name}: ${(content.length / 1024).toFixed(1)} kB, ${(brotli.length / 1024).toFixed(1)} kB as brotli`);
}
function workerHead() {
  const version = createHash("sha256").update(JSON.stringify(manifest)).digest("hex").slice(0, 10);
  const kept = KEPT.filter((name) => manifest[name]).map((name) => `/static/dist/${manifest[name]}`);
  return `self.LINLI=${JSON.stringify({ version, files: [...kept, "/static/icons/icon.svg"] })};\n`;
}

// The manifest changes in one step and old files go last: a server that runs meanwhile never misses one.
await writeFile(path.join(target, "manifest.json.new"), `${JSON.stringify(manifest, null, 2)}\n`);
await rename(path.join(target, "manifest.json.new"), path.join(target, "manifest.json"));
for (const name of await readdir(target)) {
  if (!written.has(name)) await rm(path.join(target, name), { recursive: true });
}
