// Draws the icons of the installed page (public/icon-*.png) from the bars of the logo: run it when those change.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';

const GREEN = [15, 107, 95];
const BARS = [[8, 14, 18], [12, 10.5, 21.5], [16, 8, 24], [20, 12, 20], [24, 14.5, 17.5]]; // x, from, to, of 32
const SAFE = 0.86; // of the icon: a mask may cut the rest
const LEVELS = 15; // of 4 bits: from green to white

function coverage(x, y, pixel) {
  const distance = Math.min(...BARS.map(([bar, from, to]) => Math.hypot(x - bar, y - Math.max(from, Math.min(to, y)))));
  return Math.max(0, Math.min(1, (1.2 - distance) / pixel + 0.5));
}

function chunk(type, body) {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([size, named, check]);
}

function png(size) {
  const pixel = 32 / size / SAFE;
  const rows = Buffer.alloc(size * (size / 2 + 1));
  const at = (index) => (((index + 0.5) / size - 0.5) / SAFE + 0.5) * 32;
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 2) {
      const level = (column) => Math.round(coverage(at(column), at(y), pixel) * LEVELS);
      rows[y * (size / 2 + 1) + 1 + x / 2] = (level(x) << 4) | level(x + 1);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([4, 3, 0, 0, 0], 8); // 4 bits, palette
  const palette = Buffer.from(Array.from({ length: LEVELS + 1 }, (_, level) => GREEN.map((value) => value + Math.round(((255 - value) * level) / LEVELS))).flat());
  const parts = [chunk('IHDR', header), chunk('PLTE', palette), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), ...parts]);
}

for (const size of [192, 512]) writeFileSync(fileURLToPath(new URL(`../public/icon-${size}.png`, import.meta.url)), png(size));
