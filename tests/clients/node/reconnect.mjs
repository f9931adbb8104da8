// Connects, says so on standard output, waits for a line on standard input (the server is restarted meanwhile), and
// goes on with the same client object. LIBRARY is redis or ioredis, SERVER a port.

import { once } from 'node:events';

import { nodeRedis } from './node_redis.mjs';

const port = Number(process.env.SERVER);
const quietly = () => {}; // the refused attempts in between are expected

async function open() {
  if (process.env.LIBRARY === 'ioredis') {
    const { Redis } = await import('ioredis');
    const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50 });
    client.on('error', quietly);
    return { client, close: () => client.quit() };
  }
  const { createClient } = await nodeRedis();
  const client = createClient({ socket: { port, host: '127.0.0.1', reconnectStrategy: 50 } });
  client.on('error', quietly);
  await client.connect();
  return { client, close: () => client.close() };
}

const { client, close } = await open();
await client.set('before', '1');
console.log('connected');
await once(process.stdin, 'data');
await client.set('after', '2');
console.log(await client.get('after'), await client.get('before'));
await close();
process.exit(0);
