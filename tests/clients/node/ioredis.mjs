// ioredis: strings, pipelines, several keys, expiry, scan streams, errors, names.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Redis } from 'ioredis';
import { expectedUser, ioredisOptions as options } from './address.mjs';

let client;

before(() => { client = new Redis({ ...options, connectionName: 'ioredis-test' }); });
after(() => client.quit());
beforeEach(() => client.flushall());

test('strings', async () => {
  assert.equal(await client.set('a', 'x'), 'OK');
  assert.equal(await client.get('a'), 'x');
  assert.equal(await client.get('absent'), null);
  assert.equal(await client.set('a', 'y', 'NX'), null);
  assert.equal(await client.set('a', 'y', 'EX', 100, 'GET'), 'x');
  assert.equal(await client.append('a', 'z'), 2);
  assert.equal(await client.incrby('n', 5), 5);
  assert.equal(await client.incrbyfloat('f', 1.25), '1.25');
  assert.equal(await client.getrange('a', 0, 0), 'y');
});

test('binary values survive', async () => {
  const value = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
  await client.set('blob', value);
  assert.deepEqual(await client.getBuffer('blob'), value);
});

test('its user is the one of its certificate', async () => {
  assert.equal(await client.call('ACL', 'WHOAMI'), expectedUser);
});

test('several keys', async () => {
  await client.mset({ a: '1', b: '2' });
  assert.deepEqual(await client.mget('a', 'absent', 'b'), ['1', null, '2']);
  assert.equal(await client.del('a', 'b', 'absent'), 2);
});

test('pipeline', async () => {
  const pipeline = client.pipeline();
  for (let number = 0; number < 2000; number += 1) pipeline.set(`key:${number}`, number).get(`key:${number}`);
  const replies = await pipeline.exec();
  assert.equal(replies.length, 4000);
  replies.forEach(([error, reply], index) => {
    assert.equal(error, null);
    assert.equal(reply, index % 2 === 0 ? 'OK' : String((index - 1) / 2));
  });
});

test('automatic pipelining', async () => {
  const automatic = new Redis({ ...options, enableAutoPipelining: true });
  const replies = await Promise.all(Array.from({ length: 1000 }, () => automatic.incr('n')));
  assert.deepEqual(replies, Array.from({ length: 1000 }, (_, index) => index + 1));
  await automatic.quit();
});

test('expiry', async () => {
  await client.set('a', 'x', 'PX', 20);
  await client.set('b', 'x');
  assert.equal(await client.pexpire('b', 100_000), 1);
  assert.ok((await client.pttl('b')) > 90_000);
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.equal(await client.exists('a'), 0);
});

test('scan stream', async () => {
  await client.mset(new Map(Array.from({ length: 500 }, (_, index) => [`user:${index}`, index])));
  const seen = new Set();
  for await (const keys of client.scanStream({ match: 'user:*', count: 50 })) keys.forEach((key) => seen.add(key));
  assert.equal(seen.size, 500);
});

test('errors', async () => {
  await client.set('a', 'text');
  await assert.rejects(client.incr('a'), /ERR value is not an integer or out of range/);
  await assert.rejects(client.call('NOSUCH', 'x'), /unknown command 'NOSUCH'/);
  const [first, second] = await client.pipeline().incr('a').get('a').exec();
  assert.match(first[0].message, /not an integer/);
  assert.deepEqual(second, [null, 'text']);
});

test('the connection has its name', async () => {
  assert.equal(await client.client('GETNAME'), 'ioredis-test');
});

test('databases', async () => {
  const other = new Redis({ ...options, db: 3 });
  await other.set('only', 'here');
  assert.equal(await client.exists('only'), 0);
  assert.equal(await other.dbsize(), 1);
  await other.quit();
});

const hasMulti = async () => (await client.command('INFO', 'multi'))[0] !== null;

test('transaction', async (context) => {
  if (!(await hasMulti())) return context.skip('the server has no MULTI');
  assert.deepEqual(await client.multi().set('a', '1').incr('a').exec(), [[null, 'OK'], [null, 2]]);
  return undefined;
});
