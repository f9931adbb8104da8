// What the scenarios of this folder share. A scenario prints `ok WHAT` for each thing that it found to be so, and `done`
// when it has seen everything; then it has to end by itself: a library that cannot close its connections is a failure.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

export { assert, sleep };

export const url = process.env.SERVER_URL;
export const host = new URL(url).hostname;
export const port = Number(new URL(url).port);

export async function check(what, act) {
  await act();
  console.log(`ok ${what}`);
}

export function done() {
  console.log('done');
}

export async function until(condition, what, timeoutMs = 60_000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await sleep(10);
  }
}
