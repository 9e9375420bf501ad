/**
 * SHA-256 of a text, as hexadecimal digits.
 *
 * The browser's own is missing on pages that come over plain HTTP, where
 * notebooks are read, too.
 */
export function sha256(text: string): string {
  const hash = INITIAL.slice();
  const words = padded(new TextEncoder().encode(text));
  const schedule = new Uint32Array(64);
  for (let start = 0; start < words.length; start += 16) {
    digest(hash, words.subarray(start, start + 16), schedule);
  }
  return [...hash].map(word => word.toString(16).padStart(8, '0')).join('');
}

function firstPrimes(count: number): number[] {
  const found: number[] = [];
  for (let number = 2; found.length < count; number++) {
    if (found.every(prime => number % prime !== 0)) {
      found.push(number);
    }
  }
  return found;
}

/** The first 32 bits behind the point. */
function fraction(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32);
}

const PRIMES = firstPrimes(64);
const ROUNDS = Uint32Array.from(PRIMES, prime => fraction(Math.cbrt(prime)));
const INITIAL = Uint32Array.from(PRIMES.slice(0, 8), prime =>
  fraction(Math.sqrt(prime))
);

/** The message as big-endian words, with the end mark and its length in bits. */
function padded(bytes: Uint8Array): Uint32Array {
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const view = new DataView(new ArrayBuffer(blocks * 64));
  bytes.forEach((byte, index) => {
    view.setUint8(index, byte);
  });
  view.setUint8(bytes.length, 0x80);
  view.setUint32(blocks * 64 - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(blocks * 64 - 4, (bytes.length * 8) >>> 0);
  return Uint32Array.from({ length: blocks * 16 }, (_, index) =>
    view.getUint32(index * 4)
  );
}

function turned(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

function digest(
  hash: Uint32Array,
  block: Uint32Array,
  schedule: Uint32Array
): void {
  const at = (words: Uint32Array, index: number): number => words[index] ?? 0;
  schedule.set(block);
  for (let i = 16; i < 64; i++) {
    const early = at(schedule, i - 15);
    const late = at(schedule, i - 2);
    schedule[i] =
      at(schedule, i - 16) +
      (turned(early, 7) ^ turned(early, 18) ^ (early >>> 3)) +
      at(schedule, i - 7) +
      (turned(late, 17) ^ turned(late, 19) ^ (late >>> 10));
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash;
  for (let i = 0; i < 64; i++) {
    const first =
      h +
      (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) +
      ((e & f) ^ (~e & g)) +
      at(ROUNDS, i) +
      at(schedule, i);
    const second =
      (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) +
      ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e] = [g, f, e, (d + first) | 0];
    [d, c, b, a] = [c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    hash[index] = at(hash, index) + word;
  });
}
