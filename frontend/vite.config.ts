/** Build of the workspace: hashed files and a manifest that the server's one page reads. */
import { fileURLToPath, URL } from "node:url";
import vue from "@vitejs/plugin-vue";
import elementPlus from "unplugin-element-plus/vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds the real server. */
const server = process.env["WANGGE_SERVER"] ?? "http://127.0.0.1:8080";

/** A chunk of our own that grows past this is split, not let through. */
const LARGEST_CHUNK = 250_000;

/** Fail the build when a chunk is too large; the map library is the one exception, for it comes in one piece. */
function smallChunks(): Plugin {
  return {
    name: "wangge:small-chunks",
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type === "chunk" && chunk.name !== "library" && chunk.code.length > LARGEST_CHUNK)
          this.error(`${chunk.fileName} has ${chunk.code.length} characters, more than ${LARGEST_CHUNK}: load a part of it on demand`);
      }
    },
  };
}

export default defineConfig(({ command }) => ({
  // Whoever starts the demo is not told the size of every file; what is wrong is still said.
  logLevel: command === "build" ? ("warn" as const) : ("info" as const),
  // The built files are served below /static/; the dev server serves from the root.
  base: command === "build" ? "/static/" : "/",
  plugins: [vue(), elementPlus({}), smallChunks()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: "false",
    __VUE_I18N_FULL_INSTALL__: "false",
    __VUE_I18N_LEGACY_API__: "false",
    __INTLIFY_PROD_DEVTOOLS__: "false",
  },
  server: { proxy: { "/api": { target: server } } },
  build: {
    outDir: "../core/static/dist",
    emptyOutDir: true,
    manifest: true,
    // Inlined data: URLs would need a wider content security policy.
    assetsInlineLimit: 0,
    // The map library comes as one module of 1.1 MB, which nothing can split; it is a chunk of its own, loaded only where a map is shown.
    // No other chunk reaches half of what is a warning by default: ours are watched below.
    chunkSizeWarningLimit: 1200,
    rolldownOptions: { input: "src/main.ts", checks: { pluginTimings: false } },
  },
  worker: { format: "es" as const },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.ts", "tests/**/*.test.ts"],
    server: { deps: { inline: ["element-plus"] } },
  },
}));
