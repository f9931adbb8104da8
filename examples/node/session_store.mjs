// Sessions as hashes that expire when nobody uses them.
//
//   node session_store.mjs --url redis://127.0.0.1:6379
//
// Each use moves the end. A set per user holds the user's sessions, so that all of them can be ended at once.

import { randomBytes } from 'node:crypto';
import { run } from './run.mjs';

// A session that expired between two requests must not come back as a hash with one field and no end.
const UPDATE = `
  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
  redis.call('HSET', KEYS[1], unpack(ARGV, 2))
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  return 1`;

const sessionKey = (session) => `session:${session}`;
const userKey = (user) => `user:${user}:sessions`;

export class SessionStore {
  #client; #idleS;

  constructor(client, { idleS = 1800 } = {}) {
    this.#client = client;
    this.#idleS = idleS;
  }

  // Returns the session's id, which nobody can guess: it is what the cookie holds.
  async create(user, fields = {}) {
    const session = randomBytes(24).toString('base64url');
    await this.#client.multi()
      .hSet(sessionKey(session), { user, ...fields })
      .expire(sessionKey(session), this.#idleS)
      .sAdd(userKey(user), session)
      .expire(userKey(user), this.#idleS)
      .exec();
    return session;
  }

  // The fields of the session, whose time begins anew; null when it is over.
  async load(session) {
    const [fields] = await this.#client.multi()
      .hGetAll(sessionKey(session))
      .expire(sessionKey(session), this.#idleS)
      .exec();
    if (fields.user === undefined) return null;
    await this.#client.expire(userKey(fields.user), this.#idleS);
    return { ...fields };
  }

  // False when the session is over.
  async update(session, fields) {
    return await this.#client.eval(UPDATE, {
      keys: [sessionKey(session)],
      arguments: [String(this.#idleS), ...Object.entries(fields).flat().map(String)],
    }) === 1;
  }

  async end(session) {
    const user = await this.#client.hGet(sessionKey(session), 'user');
    if (user) await this.#client.multi().del(sessionKey(session)).sRem(userKey(user), session).exec();
  }

  // Signs the user out everywhere; returns how many sessions that ended.
  async endAll(user) {
    const sessions = await this.#client.sMembers(userKey(user));
    const transaction = this.#client.multi();
    for (const session of sessions) transaction.del(sessionKey(session));
    const ended = await transaction.del(userKey(user)).exec();
    return ended.slice(0, -1).reduce((sum, count) => sum + count, 0); // some may have expired before
  }
}

await run(import.meta.url, async (client) => {
  const store = new SessionStore(client, { idleS: 60 });
  const laptop = await store.create('ada', { device: 'laptop' });
  await store.create('ada', { device: 'phone' });
  await store.update(laptop, { cart: '3 books' });
  console.log('laptop:', await store.load(laptop));
  console.log('ended:', await store.endAll('ada'));
  console.log('laptop:', await store.load(laptop));
});
