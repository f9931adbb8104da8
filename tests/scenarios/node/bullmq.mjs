// BullMQ: jobs with retries, delays, priorities and flows through several workers in two processes; none lost, none
// twice. JOBS says how many. CLIENT is the library underneath: ioredis or redis.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { FlowProducer, Queue, QueueEvents, Worker } from 'bullmq';
import { createClient } from 'redis';

import { assert, check, done, host, port, sleep, until, url } from './scenario.mjs';

const jobCount = Number(process.env.JOBS ?? 400);
const timeoutMs = 30_000 + jobCount * 10;
const processCount = 2;
const workersPerProcess = 2;
const hasNodeRedis = process.env.CLIENT === 'redis';
const opened = [];

// Each queue and worker gets a connection of its own. ioredis is what BullMQ makes itself of a host and a port.
async function connection() {
  if (!hasNodeRedis) return { host, port };
  const client = createClient({ url });
  client.on('error', () => {}); // those of the end of the other process
  opened.push(await client.connect());
  return client;
}

// What job `number` is: how it is added, how often it runs, how it ends.
function plan(number) {
  const data = { number };
  switch (number % 10) {
    case 0: return { name: 'flaky', data: { ...data, failures: 1 }, runs: 2,
      opts: { attempts: 3, backoff: { type: 'fixed', delay: 20 } } };
    case 1: return { name: 'flaky', data: { ...data, failures: 2 }, runs: 3,
      opts: { attempts: 3, backoff: { type: 'exponential', delay: 10 } } };
    case 2: return { name: 'flaky', data: { ...data, failures: 9 }, runs: 2, fails: true, opts: { attempts: 2 } };
    case 3: return { name: 'plain', data, runs: 1, opts: { delay: 50 + (number % 300) } };
    case 4: return { name: 'plain', data, runs: 1, opts: { priority: 1 + (number % 7) } };
    case 5: return { name: 'parent', data, runs: 1, opts: {}, children: [1, 2, 3].map((part) => number * 10 + part) };
    default: return { name: 'plain', data, runs: 1, opts: {} };
  }
}

async function work(job) {
  process.send({ queue: job.queueName, id: job.id, name: job.name, number: job.data.number, at: Date.now(),
    added: job.timestamp, delay: job.opts.delay ?? 0, attemptsMade: job.attemptsMade });
  if (job.name === 'flaky' && job.attemptsMade < job.data.failures) throw new Error(`attempt ${job.attemptsMade}`);
  if (job.name === 'parent') {
    return Object.values(await job.getChildrenValues()).reduce((sum, value) => sum + value, 0);
  }
  return job.data.number * 2;
}

// The other processes: workers until they are told to end, or one that takes a job and never finishes.
if (process.send) {
  const workers = [];
  if (process.argv[2] === 'stuck') {
    const options = { connection: await connection(), lockDuration: 500, stalledInterval: 300 };
    workers.push(new Worker('stalled', (job) => { process.send({ took: job.id }); return sleep(60_000); }, options));
  } else {
    for (const queue of ['jobs', 'parts']) {
      for (let count = 0; count < workersPerProcess; count += 1) {
        workers.push(new Worker(queue, work, { connection: await connection(), concurrency: 10 }));
      }
    }
  }
  for (const worker of workers) worker.on('error', (error) => process.send({ error: error.message }));
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  process.send('ready');
  process.once('disconnect', () => process.exit()); // also when the first process ends unexpectedly
  process.once('message', async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await Promise.all(opened.map((client) => client.close()));
    process.disconnect();
  });
} else {
  await main();
}

async function start(role, onMessage) {
  const child = fork(fileURLToPath(import.meta.url), [role]);
  await new Promise((resolve) => {
    child.on('message', (message) => { if (message === 'ready') resolve(); else onMessage(message); });
  });
  return child;
}

function end(child) {
  return new Promise((resolve) => { child.once('exit', resolve); child.send('end'); });
}

async function make(Kind, name, more = {}) {
  const made = new Kind(...(name === undefined ? [] : [name]), { connection: await connection(), ...more });
  opened.push(made);
  return made;
}

async function main() {
  const queue = await make(Queue, 'jobs');
  const flows = await make(FlowProducer);

  await check(`${jobCount} jobs through ${processCount * workersPerProcess} workers: none lost, none twice`, async () => {
    const runs = [];
    const errors = [];
    const children = [];
    for (let count = 0; count < processCount; count += 1) {
      children.push(await start('work', (message) => (message.error ? errors : runs).push(message)));
    }
    const plans = Array.from({ length: jobCount }, (_, number) => plan(number));
    for (let first = 0; first < jobCount; first += 100) {
      const some = plans.slice(first, first + 100);
      await queue.addBulk(some.filter((job) => !job.children));
      await flows.addBulk(some.filter((job) => job.children).map(({ name, data, children: parts }) => ({
        name, data, queueName: 'jobs',
        children: parts.map((number) => ({ name: 'part', queueName: 'parts', data: { number } })),
      })));
    }
    await until(async () => {
      const counts = await queue.getJobCounts('completed', 'failed');
      return counts.completed + counts.failed >= jobCount;
    }, 'all jobs ended', timeoutMs);
    await sleep(200); // whoever runs a job once more has begun by now
    await Promise.all(children.map(end));
    assert.deepEqual(errors, []);

    const failed = plans.filter((job) => job.fails).length;
    assert.deepEqual(await queue.getJobCounts(), { active: 0, completed: jobCount - failed, delayed: 0, failed,
      prioritized: 0, waiting: 0, 'waiting-children': 0 });
    const ranOf = new Map();
    for (const run of runs) {
      const key = `${run.queue} ${run.number}`;
      ranOf.set(key, [...(ranOf.get(key) ?? []), run]);
    }
    const expected = plans.flatMap((job) => [
      [`jobs ${job.data.number}`, job.runs], ...(job.children ?? []).map((number) => [`parts ${number}`, 1])]);
    assert.deepEqual([...ranOf].map(([key, all]) => [key, all.length]).sort(), expected.sort());
    for (const all of ranOf.values()) {
      // Sorted: two processes may have told of them in another order.
      assert.deepEqual(all.map((run) => run.attemptsMade).sort(), all.map((_, index) => index));
    }
    for (const run of runs.filter(({ delay }) => delay > 0)) assert.ok(run.at >= run.added + run.delay, 'ran too early');
    for (const job of await queue.getCompleted(0, 99)) {
      const number = job.data.number;
      assert.equal(job.returnvalue, job.name === 'parent' ? 2 * (30 * number + 6) : 2 * number);
    }
  });

  await check('priorities: the most urgent first, then in order', async () => {
    const priorities = [5, 1, 3, 1, 0, 5, 2];
    const urgent = await make(Queue, 'urgent');
    for (const [number, priority] of priorities.entries()) await urgent.add('job', { number }, { priority });
    const order = [];
    const worker = new Worker('urgent', async (job) => { order.push(job.data.number); }, { connection: await connection() });
    opened.push(worker);
    await until(() => order.length === priorities.length, 'all urgent jobs ran');
    assert.deepEqual(order, [4, 1, 3, 6, 2, 0, 5]);
  });

  await check('pause, resume, and a worker that waits for work', async () => {
    const slow = await make(Queue, 'slow');
    const ran = [];
    const worker = new Worker('slow', async (job) => { ran.push(job.data); },
      { connection: await connection(), drainDelay: 300 }); // the seconds after which it looks again if nobody wakes it
    opened.push(worker);
    await worker.waitUntilReady();
    await slow.pause();
    await slow.add('job', 1);
    await sleep(150);
    assert.deepEqual([ran, await slow.isPaused()], [[], true]);
    await slow.resume();
    await until(() => ran.length === 1, 'the job ran after resume');
    await sleep(300); // it waits in a blocking command now
    await slow.add('job', 2);
    await until(() => ran.length === 2, 'the waiting worker was woken');
  });

  await check('events: added, progress, completed with the result', async () => {
    const watched = await make(Queue, 'watched');
    const events = await make(QueueEvents, 'watched', { lastEventId: '0' }); // also what comes before it reads
    await events.waitUntilReady();
    const seen = [];
    for (const name of ['added', 'active', 'progress', 'completed']) events.on(name, () => seen.push(name));
    const worker = new Worker('watched', async (job) => { await job.updateProgress(50); return { sum: 3 }; },
      { connection: await connection() });
    opened.push(worker);
    const job = await watched.add('job', {});
    assert.deepEqual(await job.waitUntilFinished(events, 60_000), { sum: 3 });
    await until(() => seen.includes('completed'), 'the event came');
    assert.deepEqual(seen, ['added', 'active', 'progress', 'completed']);
  });

  await check('rate limit: 10 jobs at 5 a half second take more than a half second', async () => {
    const limited = await make(Queue, 'limited');
    const times = [];
    const worker = new Worker('limited', async () => { times.push(Date.now()); },
      { connection: await connection(), limiter: { max: 5, duration: 500 }, concurrency: 10 });
    opened.push(worker);
    await worker.waitUntilReady();
    const start = Date.now(); // not when the first one ran: that may be late
    await limited.addBulk(Array.from({ length: 10 }, (_, number) => ({ name: 'job', data: { number } })));
    await until(() => times.length === 10, 'all limited jobs ran');
    assert.ok(times[5] - start >= 450, `the sixth came after ${times[5] - start} ms`);
  });

  await check('a scheduler adds a job every 100 ms; one deduplicated job for five', async () => {
    const clock = await make(Queue, 'clock');
    const ran = [];
    const worker = new Worker('clock', async (job) => { ran.push(job.name); }, { connection: await connection() });
    opened.push(worker);
    await clock.upsertJobScheduler('tick', { every: 100 }, { name: 'tick' });
    await until(() => ran.length >= 3, 'the scheduler ticked three times');
    assert.equal(await clock.removeJobScheduler('tick'), true);
    assert.deepEqual(await clock.getJobSchedulers(), []);
    await clock.pause();
    const before = ran.filter((name) => name === 'once').length;
    for (let count = 0; count < 5; count += 1) await clock.add('once', {}, { deduplication: { id: 'once' } });
    await clock.resume();
    await until(() => ran.includes('once'), 'the deduplicated job ran');
    await sleep(100);
    assert.equal(ran.filter((name) => name === 'once').length - before, 1);
  });

  await check('the job of a worker that was killed runs elsewhere', async () => {
    const stalled = await make(Queue, 'stalled');
    let took;
    const child = await start('stuck', (message) => { took = message.took; });
    const job = await stalled.add('job', {});
    await until(() => took === job.id, 'the first worker took the job');
    child.kill('SIGKILL');
    const worker = new Worker('stalled', async () => 'second', { connection: await connection(), stalledInterval: 300 });
    opened.push(worker);
    await until(async () => (await stalled.getJob(job.id)).returnvalue === 'second', 'the second worker finished it');
  });

  await check('obliterate leaves nothing behind', async () => {
    assert.equal((await queue.getFailed(0, 0)).length, 1);
    await queue.obliterate({ force: true });
    const client = await createClient({ url }).connect();
    assert.deepEqual(await client.keys('bull:jobs:*'), []);
    await client.close();
  });

  // Last opened, first closed: the connections outlive what uses them.
  for (const one of opened.reverse()) await one.close();
  done();
}
