// express-session with connect-redis: a small shop with a cookie.

import { once } from 'node:events';

import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';

import { assert, check, done, until, url } from './scenario.mjs';

const client = await createClient({ url }).connect();
const store = new RedisStore({ client, prefix: 'shop:', ttl: 100 });
const app = express();
app.use(session({ store, secret: 'a secret of this scenario', resave: false, saveUninitialized: false }));
app.get('/add/:thing', (request, response) => {
  request.session.cart = [...(request.session.cart ?? []), request.params.thing];
  response.json(request.session.cart);
});
app.get('/cart', (request, response) => response.json(request.session.cart ?? null));
app.get('/leave', (request, response) => request.session.destroy(() => response.json('left')));
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');

async function visit(path, cookie = '') {
  const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers: { cookie } });
  return { body: await response.json(), cookie: response.headers.get('set-cookie')?.split(';')[0] ?? cookie };
}

const visitors = [];

await check('sessions remember, each its own', async () => {
  const { cookie } = await visit('/add/book');
  await visit('/add/pen', cookie);
  assert.deepEqual((await visit('/cart', cookie)).body, ['book', 'pen']);
  const other = await visit('/add/ink');
  assert.deepEqual((await visit('/cart', other.cookie)).body, ['ink']);
  assert.equal((await visit('/cart')).body, null);
  visitors.push(cookie, other.cookie);
});

await check('they live as long as they are used', async () => {
  const keys = await client.keys('shop:*');
  assert.equal(keys.length, 2);
  for (const key of keys) {
    assert.ok(await client.ttl(key) > 95);
    await client.expire(key, 10);
  }
  for (const cookie of visitors) await visit('/cart', cookie);
  for (const key of keys) await until(async () => await client.ttl(key) > 95, 'the visit moved the end');
});

await check('list, count, leave, clear', async () => {
  const all = await store.all();
  assert.deepEqual(all.map(({ cart }) => cart.join()).sort(), ['book,pen', 'ink']);
  assert.equal(await store.length(), 2);
  assert.equal((await store.ids()).length, 2);
  assert.equal((await visit('/leave', visitors[0])).body, 'left');
  assert.equal((await visit('/cart', visitors[0])).body, null);
  await until(async () => await store.length() === 1, 'the session went');
  await store.clear();
  assert.equal((await visit('/cart', visitors[1])).body, null);
});

server.closeAllConnections();
server.close();
await client.close();
done();
