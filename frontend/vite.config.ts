/** Build of the workspace: hashed files and a manifest that the server's one page reads. */
import { fileURLToPath, URL } from "node:url";
import vue from "@vitejs/plugin-vue";
import elementPlus from "unplugin-element-plus/vite";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds the real server. */
const server = process.env["WANGGE_SERVER"] ?? "http://127.0.0.1:8080";

export default defineConfig(({ command }) => ({
  // The built files are served below /static/; the dev server serves from the root.
  base: command === "build" ? "/static/" : "/",
  plugins: [vue(), elementPlus({})],
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
    // The map library is one chunk of its own, loaded only where a map is shown.
    chunkSizeWarningLimit: 1200,
    rollupOptions: { input: "src/main.ts" },
  },
  worker: { format: "es" as const },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.ts", "tests/**/*.test.ts"],
    server: { deps: { inline: ["element-plus"] } },
  },
}));
