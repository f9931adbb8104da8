// node-redis in both protocols: strings, pipelines, several keys, expiry, scan, errors.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { expectedUser, nodeRedisSocket as socket } from './address.mjs';
import { nodeRedis } from './node_redis.mjs';

const { createClient, RESP_TYPES } = await nodeRedis();

for (const RESP of [2, 3]) {
  describe(`RESP${RESP}`, () => {
    let client;
    before(async () => { client = await createClient({ socket, RESP, name: 'node-redis-test' }).connect(); });
    after(() => client.close());
    beforeEach(() => client.flushAll());

    test('strings', async () => {
      assert.equal(await client.set('a', 'x'), 'OK');
      assert.equal(await client.get('a'), 'x');
      assert.equal(await client.get('absent'), null);
      assert.equal(await client.sendCommand(['SET', 'a', 'y', 'NX']), null);
      assert.equal(await client.append('a', 'z'), 2);
      assert.equal(await client.incrBy('n', 5), 5);
      assert.equal(await client.incrByFloat('f', 1.25), '1.25');
      assert.equal(await client.getDel('a'), 'xz');
    });

    test('binary values survive', async () => {
      const value = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
      await client.set('blob', value);
      const buffers = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
      assert.deepEqual(await buffers.get('blob'), value);
    });

    test('several keys, pipelined by the client', async () => {
      await client.mSet({ a: '1', b: '2' });
      assert.deepEqual(await client.mGet(['a', 'absent', 'b']), ['1', null, '2']);
      const replies = await Promise.all(Array.from({ length: 2000 }, () => client.incr('n')));
      assert.deepEqual(replies, Array.from({ length: 2000 }, (_, index) => index + 1));
    });

    test('pipeline without transaction', async () => {
      assert.deepEqual(await client.multi().set('a', '1').incr('a').execAsPipeline(), ['OK', 2]);
    });

    test('expiry', async () => {
      await client.pSetEx('a', 20, 'x');
      await client.set('b', 'x');
      assert.equal(await client.pExpire('b', 100_000), 1);
      assert.ok((await client.pTTL('b')) > 90_000);
      await new Promise((resolve) => setTimeout(resolve, 40));
      assert.equal(await client.exists('a'), 0);
    });

    test('scan iterator', async () => {
      await client.mSet(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`user:${index}`, `${index}`])));
      const seen = new Set();
      for await (const keys of client.scanIterator({ MATCH: 'user:*', COUNT: 50 })) keys.forEach((key) => seen.add(key));
      assert.equal(seen.size, 500);
    });

    test('maps', async () => {
      const reply = await client.configGet('maxmemory');
      assert.equal(reply.maxmemory, '0');
    });

    test('errors', async () => {
      await client.set('a', 'text');
      await assert.rejects(client.incr('a'), /ERR value is not an integer or out of range/);
      await assert.rejects(client.sendCommand(['NOSUCH', 'x']), /unknown command 'NOSUCH'/);
      assert.equal(await client.get('a'), 'text');
    });

    test('the connection has its name and its protocol', async () => {
      assert.equal(await client.clientGetName(), 'node-redis-test');
      assert.match(await client.sendCommand(['CLIENT', 'INFO']), new RegExp(` resp=${RESP}`));
    });

    test('its user is the one of its certificate', async () => {
      assert.equal(await client.sendCommand(['ACL', 'WHOAMI']), expectedUser);
    });

    test('the library says who it is', async (context) => {
      const [setinfo] = await client.sendCommand(['COMMAND', 'INFO', 'client|setinfo']);
      if (setinfo === null) return context.skip('the server has no CLIENT SETINFO');
      assert.match(await client.sendCommand(['CLIENT', 'INFO']), / lib-name=node-redis.* lib-ver=\d/);
      return undefined;
    });

    test('transaction', async (context) => {
      if ((await client.sendCommand(['COMMAND', 'INFO', 'multi']))[0] === null) {
        return context.skip('the server has no MULTI');
      }
      assert.deepEqual(await client.multi().set('a', '1').incr('a').exec(), ['OK', 2]);
      return undefined;
    });
  });
}
