/**
 * What a reload shows where there is no network: the workspace's one page with its first scripts and styles, so that what
 * is kept on the device is at hand. Nothing else is ever kept, no answer of the API least of all: what is kept is what
 * stands in SHELL, fetched once for each version without cookies, and never added to.
 *
 * SHELL = { version, page, files } is written above these lines by the server. It differs with every build, so this file
 * does, and a browser takes a changed one at once. The page itself comes from the network whenever there is one.
 */
/* global SHELL */
const PREFIX = "wangge-shell-";
const NAME = PREFIX + SHELL.version;
/** A gateway that cannot reach the server. */
const AWAY = [502, 504];

self.addEventListener("install", (event) => {
  self.skipWaiting();
  const wanted = [SHELL.page, ...SHELL.files].map((path) => new Request(path, { cache: "no-cache", credentials: "omit" }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(wanted)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && isScreen(pathname)) event.respondWith(page(request));
  else if (SHELL.files.includes(pathname)) event.respondWith(file(request));
});

/** The API's addresses and files are no screens, also where one is opened in a tab of its own. */
function isScreen(pathname) {
  return !/^\/(?:api|static|metrics)(?:\/|$)/.test(pathname);
}

async function page(request) {
  try {
    const answer = await fetch(request);
    return AWAY.includes(answer.status) ? ((await kept(SHELL.page)) ?? answer) : answer;
  } catch (failure) {
    const shell = await kept(SHELL.page);
    if (shell) return shell;
    throw failure;
  }
}

/** A file's name changes with its content, so the kept one is as good as the server's. */
async function file(request) {
  return (await kept(request)) ?? fetch(request);
}

async function kept(what) {
  return (await caches.open(NAME)).match(what);
}

async function dropOthers() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(names.map((name) => caches.delete(name)));
}
