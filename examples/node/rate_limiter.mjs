// Two rate limiters: a fixed window, which costs one counter, and a sliding window, which is exact.
//
//   node rate_limiter.mjs --url redis://127.0.0.1:6379
//
// A fixed window lets through up to twice its limit around the moment where one window follows another. The sliding
// window remembers each request that it let through, so that no stretch of time ever holds more than the limit.

import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './run.mjs';

// `limit` requests in each window, which begins with the first request after the last one ended.
export class FixedWindow {
  #client; #limit; #windowMs;

  constructor(client, { limit, windowMs }) {
    this.#client = client;
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  async hit(who) {
    const key = `rate:fixed:${who}`;
    const [count, , leftMs] = await this.#client.multi()
      .incr(key)
      .pExpire(key, this.#windowMs, 'NX') // only the first request sets the end
      .pTTL(key)
      .exec();
    const allowed = count <= this.#limit;
    return { allowed, remaining: Math.max(0, this.#limit - count), retryAfterMs: allowed ? 0 : leftMs };
  }
}

// A script, because looking and adding must be one step. The time is the server's: clients' clocks differ.
const HIT = `
  local key, limit, window_us = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
  local time = redis.call('TIME')
  local now_us = time[1] * 1000000 + time[2]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now_us - window_us)
  local count = redis.call('ZCARD', key)
  if count >= limit then
    local oldest_us = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    return {0, 0, math.ceil((oldest_us + window_us - now_us) / 1000)}
  end
  -- Two requests of one microsecond need two names.
  local name = string.format('%.0f', now_us)
  while redis.call('ZADD', key, 'NX', now_us, name) == 0 do name = name .. '+' end
  redis.call('PEXPIRE', key, ARGV[2])
  return {1, limit - count - 1, 0}`;

// At most `limit` requests in any `windowMs` milliseconds.
export class SlidingWindow {
  #client; #limit; #windowMs;

  constructor(client, { limit, windowMs }) {
    this.#client = client;
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  async hit(who) {
    const [allowed, remaining, retryAfterMs] = await this.#client.eval(HIT, {
      keys: [`rate:sliding:${who}`],
      arguments: [String(this.#limit), String(this.#windowMs)],
    });
    return { allowed: allowed === 1, remaining, retryAfterMs };
  }
}

await run(import.meta.url, async (client) => {
  for (const Limiter of [FixedWindow, SlidingWindow]) {
    console.log(Limiter.name);
    const limiter = new Limiter(client, { limit: 3, windowMs: 1000 });
    let decision;
    for (let request = 0; request < 5; request += 1) {
      decision = await limiter.hit('ada');
      console.log(decision.allowed ? `  yes, ${decision.remaining} left` : `  no, wait ${decision.retryAfterMs} ms`);
    }
    await sleep(decision.retryAfterMs + 10);
    console.log('  after the wait:', (await limiter.hit('ada')).allowed ? 'yes' : 'no');
  }
});
