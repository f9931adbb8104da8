// A cache in two levels: a table in this process before the server that all processes share.
//
//   node two_level_cache.mjs --url redis://127.0.0.1:6379
//
// In RESP3 node-redis keeps what it read, and the server says when a key of these changes, whoever changes it (CLIENT
// TRACKING), so that nobody needs to guess how long a value stays good. two_level_cache.py does by hand what the client
// does here.

import { setTimeout as sleep } from 'node:timers/promises';
import { BasicClientSideCache, createClient } from 'redis';
import { run } from './run.mjs';

export class TwoLevelCache {
  #client; #load; #ttlS; #prefix;

  // `load(key)` fetches what neither level has.
  static async open(url, load, { ttlS = 300, prefix = 'cache:', entryCountMax = 10_000 } = {}) {
    const cache = new TwoLevelCache();
    cache.near = new BasicClientSideCache({ ttl: ttlS * 1000, maxEntries: entryCountMax, evictPolicy: 'LRU' });
    cache.#load = load;
    cache.#ttlS = ttlS;
    cache.#prefix = prefix;
    cache.#client = createClient({ url, RESP: 3, clientSideCache: cache.near });
    // The client connects again by itself, and empties the near level then: nobody told it what changed meanwhile.
    cache.#client.on('error', (error) => console.error(error.message));
    await cache.#client.connect();
    return cache;
  }

  async get(key) {
    const name = this.#prefix + key;
    const found = await this.#client.get(name);
    if (found !== null) return found;
    const value = await this.#load(key);
    await this.#client.set(name, value, { expiration: { type: 'EX', value: this.#ttlS } });
    return value;
  }

  // In every process: what it names has changed.
  async forget(key) {
    await this.#client.del(this.#prefix + key);
  }

  // How many reads the near level answered, and how many went to the server.
  get answers() {
    const { hitCount, missCount } = this.near.stats();
    return { near: hitCount, server: missCount };
  }

  close() {
    return this.#client.close();
  }
}

await run(import.meta.url, async (client, url) => {
  const prices = { book: '12' };
  const cache = await TwoLevelCache.open(url, (key) => prices[key]);
  await cache.forget('book');
  let price;
  for (let read = 0; read < 100; read += 1) price = await cache.get('book');
  console.log('book costs', price);
  prices.book = '15';
  await client.del('cache:book'); // any client may do this
  await sleep(200);
  console.log('book costs', await cache.get('book'));
  console.log(`of 101 reads, answered here: ${cache.answers.near}, by the server: ${cache.answers.server}`);
  await cache.close();
});
