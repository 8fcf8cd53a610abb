/** The service worker, where a browser has one: over HTTPS, or on this machine. */

/** Let the first page be kept for where there is no network; without a network that is done the next time. */
export function startOffline(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  addEventListener("load", () => {
    // Its own bytes are never read from a cache, so a new version is found with the next page.
    navigator.serviceWorker.register("/service-worker.js", { updateViaCache: "none" }).catch((error: unknown) => {
      if (navigator.onLine) console.error(error);
    });
  });
}
