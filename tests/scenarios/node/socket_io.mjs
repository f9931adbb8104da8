// socket.io with its Redis adapter: two servers that know each other only through Redis.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';

import { assert, check, done, sleep, until, url } from './scenario.mjs';

const nodes = [];
for (let count = 0; count < 2; count += 1) {
  const publisher = await createClient({ url }).connect();
  const subscriber = await publisher.duplicate().connect();
  const http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server = new Server(http, { adapter: createAdapter(publisher, subscriber), transports: ['websocket'] });
  server.on('connection', (socket) => {
    socket.on('join', async (room, answer) => { await socket.join(room); answer(); });
    socket.on('say', (room, text) => socket.to(room).emit('said', text));
  });
  nodes.push({ publisher, subscriber, http, server });
}

async function connect(node) {
  const socket = io(`http://127.0.0.1:${node.http.address().port}`, { transports: ['websocket'] });
  socket.heard = [];
  socket.on('said', (text) => socket.heard.push(text));
  await once(socket, 'connect');
  return socket;
}

const [ada, grace, edsger] = [await connect(nodes[0]), await connect(nodes[1]), await connect(nodes[1])];
const all = [ada, grace, edsger];

await check('the servers find each other', async () => {
  await until(async () => await nodes[0].server.of('/').adapter.serverCount() === 2, 'two servers');
});

await check('everybody hears what one server tells all', async () => {
  nodes[0].server.emit('said', 'hello');
  await until(() => all.every(({ heard }) => heard.length === 1), 'all heard');
  assert.deepEqual(all.map(({ heard }) => heard.join()), ['hello', 'hello', 'hello']);
});

await check('a room across servers: members hear in order, others nothing', async () => {
  await ada.emitWithAck('join', 'room');
  await grace.emitWithAck('join', 'room');
  for (let number = 0; number < 100; number += 1) ada.emit('say', 'room', number);
  await until(() => grace.heard.length === 101, 'a hundred messages');
  assert.deepEqual(grace.heard.slice(1), Array.from({ length: 100 }, (_, number) => number));
  await sleep(50);
  assert.deepEqual([ada.heard.length, edsger.heard.length], [1, 1]);
});

await check('one server asks all: sockets, answers, departures', async () => {
  assert.equal((await nodes[0].server.fetchSockets()).length, 3);
  assert.deepEqual((await nodes[1].server.in('room').fetchSockets()).map(({ id }) => id).sort(), [ada.id, grace.id].sort());
  nodes[1].server.on('how are you', (answer) => answer('well'));
  assert.deepEqual(await nodes[0].server.serverSideEmitWithAck('how are you'), ['well']);
  grace.on('question', (answer) => answer('forty-two'));
  assert.deepEqual(await nodes[0].server.to(grace.id).timeout(5000).emitWithAck('question'), ['forty-two']);
  nodes[0].server.in(edsger.id).disconnectSockets();
  await until(() => edsger.disconnected, 'the other server let him go');
});

for (const socket of all) socket.close();
for (const { publisher, subscriber, server } of nodes) {
  await server.close();
  await subscriber.close();
  await publisher.close();
}
done();
