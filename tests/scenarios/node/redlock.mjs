// redlock on ioredis.

import { Redis } from 'ioredis';
import Redlock from 'redlock';

import { assert, check, done, sleep, url } from './scenario.mjs';

const client = new Redis(url);
const patient = new Redlock([client], { retryCount: 2000, retryDelay: 10, retryJitter: 5 });
const impatient = new Redlock([client], { retryCount: 0 });

await check('excludes, extends, unlocks', async () => {
  const lock = await patient.lock('resource', 5000);
  await assert.rejects(impatient.lock('resource', 500), Redlock.LockError);
  await lock.extend(60_000);
  assert.ok(await client.pttl('resource') > 5000);
  await assert.rejects(impatient.lock('resource', 500), Redlock.LockError);
  await lock.unlock();
  await (await impatient.lock('resource', 500)).unlock();
  assert.equal(await client.exists('resource'), 0);
});

await check('several resources at once', async () => {
  const lock = await patient.lock(['one', 'two'], 60_000);
  await assert.rejects(impatient.lock('two', 500), Redlock.LockError);
  await lock.unlock();
  assert.equal(await client.exists('one', 'two'), 0);
});

await check('a lock that expired is not unlocked for its next holder', async () => {
  const late = await patient.lock('resource', 60);
  const next = await patient.lock('resource', 60_000);
  await assert.rejects(late.unlock(), Redlock.LockError);
  await assert.rejects(late.extend(1000), Redlock.LockError);
  assert.equal(await client.get('resource'), next.value);
  await next.unlock();
});

await check('20 holders one after another', async () => {
  let inside = 0;
  let total = 0;
  await Promise.all(Array.from({ length: 20 }, async () => {
    const lock = await patient.lock('queue', 60_000);
    inside += 1;
    assert.equal(inside, 1);
    await sleep(2);
    inside -= 1;
    total += 1;
    await lock.unlock();
  }));
  assert.equal(total, 20);
});

await client.quit();
done();
