/**
 * The page without a network. Keeps the files of one build (SHELL, written by the build) and nothing else: no answer of
 * the API passes through here. The page itself comes from the gateway wherever that answers in time, so that an upgrade
 * shows at the next load; the kept one is for when it does not.
 */
const { version, entry, files } = SHELL;
const CACHE = `talk-${version}`;
const PATIENCE_MS = 4000; // a train's network may never answer

addEventListener('install', (event) => {
  skipWaiting();
  event.waitUntil(keep());
});

addEventListener('activate', (event) => event.waitUntil(forgetOlder().then(() => clients.claim())));

addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (request.mode === 'navigate' && pathname === '/') event.respondWith(page(request));
  else if (pathname.startsWith('/assets/')) event.respondWith(caches.match(pathname).then((kept) => kept ?? fetch(request)));
});

/** All or nothing: while a roll-out mixes two builds this fails, and the browser tries again at the next load. */
async function keep() {
  const index = await fetch('/', { cache: 'no-cache' });
  if (!index.ok || !(await index.clone().text()).includes(entry)) throw new Error('a page of another build');
  const cache = await caches.open(CACHE);
  await cache.addAll(files);
  await cache.put('/', index);
}

/** The build before stays: a tab that still shows it may yet need its files. */
async function forgetOlder() {
  const others = (await caches.keys()).filter((name) => name.startsWith('talk-') && name !== CACHE);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
}

async function page(request) {
  const kept = await (await caches.open(CACHE)).match('/');
  if (!kept) return fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, kept));
  const asked = fetch(request).then((answer) => (answer.status < 500 ? answer : kept)).catch(() => kept);
  return Promise.race([asked, late]);
}
