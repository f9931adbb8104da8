// rate-limiter-flexible, on ioredis and on node-redis.

import { Redis } from 'ioredis';
import { BurstyRateLimiter, RateLimiterRedis } from 'rate-limiter-flexible';
import { createClient } from 'redis';

import { assert, check, done, sleep, url } from './scenario.mjs';

const ioredis = new Redis(url);
const nodeRedis = await createClient({ url }).connect();

for (const [name, options] of [
  ['ioredis', { storeClient: ioredis }], ['node-redis', { storeClient: nodeRedis, useRedisPackage: true }],
]) {
  await check(`${name}: consume, refuse, wait, again`, async () => {
    const limiter = new RateLimiterRedis({ ...options, keyPrefix: `${name}-a`, points: 5, duration: 1 });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => limiter.consume('ada')));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 5);
    const { reason } = results.find(({ status }) => status === 'rejected');
    assert.ok(reason.remainingPoints === 0 && reason.msBeforeNext > 0 && reason.msBeforeNext <= 1000, String(reason));
    await sleep(reason.msBeforeNext + 20);
    assert.equal((await limiter.consume('ada')).remainingPoints, 4);
  });

  await check(`${name}: penalty, reward, get, delete`, async () => {
    const limiter = new RateLimiterRedis({ ...options, keyPrefix: `${name}-b`, points: 10, duration: 60 });
    await limiter.consume('ada', 2);
    await limiter.penalty('ada', 3);
    await limiter.reward('ada', 1);
    assert.equal((await limiter.get('ada')).consumedPoints, 4);
    assert.equal(await limiter.get('nobody'), null);
    assert.equal(await limiter.delete('ada'), true);
    assert.equal(await limiter.get('ada'), null);
  });

  await check(`${name}: blocked for longer than the window`, async () => {
    const limiter = new RateLimiterRedis({ ...options, keyPrefix: `${name}-c`, points: 1, duration: 10, blockDuration: 100 });
    await limiter.consume('ada');
    await assert.rejects(limiter.consume('ada'), (refused) => refused.msBeforeNext > 40_000);
    await limiter.block('grace', 100);
    await assert.rejects(limiter.consume('grace'), (refused) => refused.msBeforeNext > 40_000);
  });

  await check(`${name}: a burst beyond the steady rate`, async () => {
    const steady = new RateLimiterRedis({ ...options, keyPrefix: `${name}-d`, points: 2, duration: 10 });
    const burst = new RateLimiterRedis({ ...options, keyPrefix: `${name}-e`, points: 3, duration: 10 });
    const limiter = new BurstyRateLimiter(steady, burst);
    const results = await Promise.allSettled(Array.from({ length: 7 }, () => limiter.consume('ada')));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 5);
  });
}

await ioredis.quit();
await nodeRedis.close();
done();
