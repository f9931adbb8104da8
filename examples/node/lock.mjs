// A lock among processes, held for a limited time and renewed while its holder works.
//
//   node lock.mjs --url redis://127.0.0.1:6379
//
// The lock is a key that holds a token only its owner knows. It expires, so that the end of a process frees it. Whoever
// releases or renews it must still own it, which one script checks and does in one step: between a GET and a DEL of two
// commands the lock could expire and become another's.
//
// A lock that expires is a promise about time: a holder that stalls for longer than `ttlMs` loses it, and learns that
// from `signal` only afterwards. Where two holders at once would do damage, what they write to has to refuse the late one.

import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './run.mjs';

const RELEASE = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
  return 0`;
const RENEW = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return 0`;

export class LockTimeout extends Error {}

export class Lock {
  #client; #key; #ttlMs; #waitMs; #token;

  constructor(client, name, { ttlMs = 10_000, waitMs = 10_000 } = {}) {
    this.#client = client;
    this.#key = `lock:${name}`;
    this.#ttlMs = ttlMs;
    this.#waitMs = waitMs;
  }

  // Calls work(signal) while the lock is held; the signal says that it was lost.
  async hold(work) {
    await this.acquire();
    const lost = new AbortController();
    const renewal = setInterval(async () => {
      // An attempt that fails for the network is no verdict: two more follow before the lock expires.
      if (await this.renew().catch(() => true) === false) lost.abort(new Error(`${this.#key} was lost`));
    }, this.#ttlMs / 3);
    try {
      return await work(lost.signal);
    } finally {
      clearInterval(renewal);
      await this.release();
    }
  }

  async tryAcquire() {
    const token = randomBytes(16).toString('hex');
    const reply = await this.#client.set(this.#key, token, {
      condition: 'NX', expiration: { type: 'PX', value: this.#ttlMs },
    });
    if (reply === null) return false;
    this.#token = token;
    return true;
  }

  async acquire() {
    const deadline = Date.now() + this.#waitMs;
    while (!await this.tryAcquire()) {
      if (Date.now() > deadline) throw new LockTimeout(this.#key);
      await sleep(10 + randomInt(20)); // not all waiters at the same moments
    }
  }

  // False when the lock is not ours any more.
  async renew() {
    return await this.#client.eval(RENEW, { keys: [this.#key], arguments: [this.#token, String(this.#ttlMs)] }) === 1;
  }

  // False when the lock was not ours any more: it expired, and another may hold it now.
  async release() {
    return await this.#client.eval(RELEASE, { keys: [this.#key], arguments: [this.#token] }) === 1;
  }
}

await run(import.meta.url, async (client) => {
  let balance = 0; // changed in two steps, so that two at once would lose changes
  const deposit = async () => {
    for (let number = 0; number < 20; number += 1) {
      await new Lock(client, 'account', { ttlMs: 2000 }).hold(async () => {
        const before = balance;
        await sleep(1);
        balance = before + 1;
      });
    }
  };
  await Promise.all([deposit(), deposit(), deposit()]);
  console.log('3 workers, 20 deposits each, balance:', balance);
});
