// Weighs a page as a first visitor loads it: bytes on the wire, requests, first paint. `node scripts/weigh.mjs URL [TIMES]`
import { chromium } from 'playwright-core';

const [url, times = '5'] = process.argv.slice(2);
if (!url || !process.env.CHROMIUM) throw new Error('Usage: CHROMIUM=/path/to/chromium node scripts/weigh.mjs URL [TIMES]');
const QUIET_MS = 1_000; // without a request: the page is there

async function visit(browser) {
  const page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage();
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const seen = { bytes: 0, requests: 0, elsewhere: new Set() };
  session.on('Network.loadingFinished', ({ encodedDataLength }) => void (seen.bytes += encodedDataLength));
  page.on('request', (request) => {
    seen.requests += 1;
    const { origin } = new URL(request.url());
    if (origin !== new URL(url).origin && origin !== 'null') seen.elsewhere.add(origin);
  });
  await page.goto(url, { waitUntil: 'load' });
  for (let before = -1; before !== seen.requests; await page.waitForTimeout(QUIET_MS)) before = seen.requests;
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null);
  await page.context().close();
  return { ...seen, elsewhere: [...seen.elsewhere], paint };
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-background-networking'] });
const visits = [];
for (let n = 0; n < Number(times); n += 1) visits.push(await visit(browser));
await browser.close();
const median = (name) => visits.map((visit) => visit[name]).sort((a, b) => a - b)[Math.floor(visits.length / 2)];
console.log(JSON.stringify({ url, visits: visits.length, bytes: median('bytes'), requests: median('requests'), firstPaintMs: Math.round(median('paint')), elsewhere: visits.at(-1).elsewhere }));
