// cache-manager over Keyv's Redis store.

import KeyvRedis from '@keyv/redis';
import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';

import { assert, check, done, sleep, url } from './scenario.mjs';

const store = new KeyvRedis(url, { namespace: 'cache' });
const far = new Keyv({ store, namespace: 'cache' });
const cache = createCache({ stores: [far], ttl: 60_000 });

await check('values of every kind, missing ones, deletion', async () => {
  const values = { text: 'ümlaut', number: 1.5, list: [1, { two: 2 }], no: false };
  for (const [key, value] of Object.entries(values)) await cache.set(key, value);
  for (const [key, value] of Object.entries(values)) assert.deepEqual(await cache.get(key), value);
  assert.equal(await cache.get('absent'), undefined);
  assert.equal(await cache.del('text'), true);
  assert.equal(await cache.get('text'), undefined);
});

await check('several at once', async () => {
  await cache.mset([{ key: 'a', value: 1 }, { key: 'b', value: 2, ttl: 5000 }]);
  assert.deepEqual(await cache.mget(['a', 'b', 'absent']), [1, 2, undefined]);
  await cache.mdel(['a', 'b']);
  assert.deepEqual(await cache.mget(['a', 'b']), [undefined, undefined]);
});

await check('values end', async () => {
  const before = Date.now();
  await cache.set('short', 'x', 1000);
  const end = await cache.ttl('short');
  assert.ok(end >= before + 1000 && end <= Date.now() + 1000);
  await sleep(1050);
  assert.equal(await cache.get('short'), undefined);
});

await check('wrap computes once', async () => {
  let computed = 0;
  const compute = async () => { computed += 1; await sleep(20); return { computed }; };
  await Promise.all(Array.from({ length: 10 }, () => cache.wrap('answer', compute)));
  assert.deepEqual(await cache.wrap('answer', compute), { computed: 1 });
});

await check('a near and a far level', async () => {
  const near = new Keyv();
  const levels = createCache({ stores: [near, far] });
  await levels.set('both', 1);
  await near.clear();
  assert.equal(await levels.get('both'), 1);
});

await check('iterate and clear', async () => {
  await cache.clear();
  await cache.mset(Array.from({ length: 300 }, (_, number) => ({ key: `k${number}`, value: number })));
  const seen = new Set();
  for await (const [key] of far.iterator()) seen.add(key);
  assert.equal(seen.size, 300);
  await cache.clear();
  assert.equal(await cache.get('k1'), undefined);
});

await cache.disconnect();
done();
