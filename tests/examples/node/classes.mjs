// The corners of the examples' classes. Runs in a copy of examples/node; URL names the server.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';

import { Leaderboard } from './leaderboard.mjs';
import { Lock, LockTimeout } from './lock.mjs';
import { FixedWindow, SlidingWindow } from './rate_limiter.mjs';
import { SessionStore } from './session_store.mjs';
import { TwoLevelCache } from './two_level_cache.mjs';

const url = process.env.URL;
let client;
let caches = [];

before(async () => { client = await createClient({ url }).connect(); });
after(() => client.close());
beforeEach(() => client.flushAll());
// Also after a failure: an open connection would keep the program alive.
afterEach(async () => {
  await Promise.all(caches.map((cache) => cache.close()));
  caches = [];
});

async function until(condition) {
  const deadline = Date.now() + 60_000;
  while (!await condition()) {
    assert.ok(Date.now() < deadline, 'it did not happen in time');
    await sleep(10);
  }
}

for (const Limiter of [FixedWindow, SlidingWindow]) {
  test(`${Limiter.name} holds its limit`, async () => {
    const limiter = new Limiter(client, { limit: 50, windowMs: 60_000 });
    const decisions = await Promise.all(Array.from({ length: 100 }, () => limiter.hit('ada')));
    assert.equal(decisions.filter(({ allowed }) => allowed).length, 50);
    const refused = await limiter.hit('ada');
    assert.ok(!refused.allowed && refused.retryAfterMs > 0 && refused.retryAfterMs <= 60_000);
    assert.deepEqual(await limiter.hit('grace'), { allowed: true, remaining: 49, retryAfterMs: 0 });
  });
}

test('the sliding window frees each request in its turn', async () => {
  const limiter = new SlidingWindow(client, { limit: 2, windowMs: 600_000 });
  // As if all requests so far had come by so much earlier.
  const letPass = async (ms) => {
    for (const request of await client.zRange('rate:sliding:ada', 0, -1)) {
      await client.zIncrBy('rate:sliding:ada', -1000 * ms, request);
    }
  };
  assert.ok((await limiter.hit('ada')).allowed);
  await letPass(300_000);
  assert.ok((await limiter.hit('ada')).allowed);
  const { allowed, retryAfterMs } = await limiter.hit('ada');
  assert.ok(!allowed && retryAfterMs > 0 && retryAfterMs <= 300_000);
  await letPass(retryAfterMs + 1);
  assert.ok((await limiter.hit('ada')).allowed);
  assert.ok(!(await limiter.hit('ada')).allowed);
});

test('a lock excludes, and only its owner releases it', async () => {
  const first = new Lock(client, 'x', { ttlMs: 60_000 });
  const second = new Lock(client, 'x', { ttlMs: 60_000, waitMs: 100 });
  assert.ok(await first.tryAcquire());
  await assert.rejects(second.acquire(), LockTimeout);
  await client.set('lock:x', 'another holder');
  assert.equal(await first.release(), false);
  assert.equal(await first.renew(), false);
  assert.equal(await client.get('lock:x'), 'another holder');
  await client.del('lock:x');
  assert.ok(await second.tryAcquire() && await second.release());
  assert.equal(await client.exists('lock:x'), 0);
});

test('a lock is renewed while it is held, and says when it was lost', async () => {
  await new Lock(client, 'x', { ttlMs: 6000 }).hold(async (signal) => {
    for (let count = 0; count < 2; count += 1) { // less is left of it, and then more
      await until(async () => await client.pTTL('lock:x') < 5500);
      await until(async () => await client.pTTL('lock:x') > 5500);
    }
    assert.ok(!signal.aborted);
    await client.set('lock:x', 'another holder');
    await until(() => signal.aborted);
  });
  assert.equal(await client.get('lock:x'), 'another holder');
});

test('leaderboard', async () => {
  const board = new Leaderboard(client, 'x');
  assert.deepEqual([await board.submit('ada', 10), await board.submit('ada', 5), await board.submit('ada', 20)],
    [true, false, true]);
  assert.equal(await board.add('grace', 15), 15);
  for (let number = 0; number < 20; number += 1) await board.submit(`player ${number}`, number / 10);
  assert.equal(await board.size(), 22);
  assert.deepEqual(await board.top(2), [{ rank: 1, player: 'ada', score: 20 }, { rank: 2, player: 'grace', score: 15 }]);
  assert.deepEqual(await board.place('ada'), { rank: 1, player: 'ada', score: 20 });
  assert.equal(await board.place('nobody'), null);
  assert.deepEqual(await board.around('player 10', 1), [
    { rank: 11, player: 'player 11', score: 1.1 },
    { rank: 12, player: 'player 10', score: 1 },
    { rank: 13, player: 'player 9', score: 0.9 },
  ]);
  assert.deepEqual(await board.around('nobody', 1), []);
  assert.deepEqual([await board.remove('ada'), await board.remove('ada')], [true, false]);
});

test('sessions live while they are used', async () => {
  const store = new SessionStore(client, { idleS: 100 });
  const session = await store.create('ada', { device: 'laptop' });
  const key = `session:${session}`;
  await client.expire(key, 5);
  assert.deepEqual(await store.load(session), { user: 'ada', device: 'laptop' });
  assert.ok(await client.ttl(key) > 95);
  await client.expire(key, 5);
  assert.ok(await store.update(session, { cart: '1 book' }));
  assert.ok(await client.ttl(key) > 95);
  await client.del(key); // as if it had expired
  assert.equal(await store.load(session), null);
  assert.equal(await store.update(session, { cart: 'ghost' }), false);
  assert.equal(await client.exists(key), 0);
});

test('sessions end', async () => {
  const store = new SessionStore(client);
  const [first, second, other] = [await store.create('ada'), await store.create('ada'), await store.create('grace')];
  await store.end(first);
  await store.end('no such session');
  assert.deepEqual(await client.sMembers('user:ada:sessions'), [second]);
  assert.deepEqual([await store.endAll('ada'), await store.endAll('ada')], [1, 0]);
  assert.deepEqual([await store.load(second), await store.load(other)], [null, { user: 'grace' }]);
});

async function openCache(load) {
  caches.push(await TwoLevelCache.open(url, load));
  return caches.at(-1);
}

test('the near level follows every kind of change', async () => {
  const source = { book: 'first' };
  const both = [await openCache((key) => source[key]), await openCache((key) => source[key])];
  const changes = [
    () => both[1].forget('book'),
    () => client.del('cache:book'),
    () => client.pExpire('cache:book', 20),
    () => client.rename('cache:book', 'elsewhere'),
    () => client.flushAll(),
  ];
  for (const [number, change] of changes.entries()) {
    for (const cache of both) {
      await cache.get('book');
      await cache.get('book');
      const { near } = cache.answers;
      await until(async () => await cache.get('book') === source.book && cache.answers.near > near);
    }
    source.book = `value ${number}`;
    await change();
    for (const cache of both) await until(async () => await cache.get('book') === source.book);
  }
});

test('a value that was just written is the one that is read', async () => {
  let version = 0;
  const cache = await openCache(() => `version ${version}`);
  for (; version < 200; version += 1) {
    assert.equal(await cache.get('book'), `version ${version}`);
    assert.equal(await cache.get('book'), `version ${version}`);
    await cache.forget('book');
  }
});

test('the near level is empty after the connection was lost', async () => {
  const cache = await openCache(() => '12');
  await cache.get('book');
  await cache.get('book');
  await cache.get('book');
  assert.ok(cache.answers.near > 0);
  // The newest that tracks: those of earlier tests may be on their way out.
  const tracking = (await client.sendCommand(['CLIENT', 'LIST'])).split('\n').filter((line) => / flags=\S*t/.test(line));
  const ids = tracking.map((line) => Number(/^id=(\d+)/.exec(line)[1]));
  await client.sendCommand(['CLIENT', 'KILL', 'ID', String(Math.max(...ids))]);
  await client.set('cache:book', 'changed');
  await until(async () => await cache.get('book').catch(() => null) === 'changed');
});
