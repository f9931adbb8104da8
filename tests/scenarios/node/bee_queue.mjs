// bee-queue: jobs with retries and delays through two workers, progress, health.

import BeeQueue from 'bee-queue';

import { assert, check, done, host, port, sleep, until } from './scenario.mjs';

const settings = { redis: { host, port }, activateDelayedJobs: true, nearTermWindow: 500, stallInterval: 60_000 };
const opened = [];

function open(name, more = {}) {
  const queue = new BeeQueue(name, { ...settings, ...more });
  queue.on('error', (error) => { throw error; });
  opened.push(queue);
  return queue;
}

const producer = open('work', { isWorker: false });

await check('200 jobs through two workers: none lost, none twice; failures are tried again', async () => {
  const runs = [];
  const results = new Map();
  for (let count = 0; count < 2; count += 1) {
    const worker = open('work');
    worker.process(5, async (job) => {
      runs.push(job.data.number);
      if (job.data.number % 10 === 0 && runs.filter((number) => number === job.data.number).length < 3) {
        throw new Error('not yet');
      }
      return job.data.number * 2;
    });
  }
  producer.on('job succeeded', (id, result) => results.set(id, result));
  const jobs = Array.from({ length: 200 }, (_, number) => producer.createJob({ number }).retries(3));
  const errors = await producer.saveAll(jobs);
  assert.equal(errors.size, 0);
  await until(() => results.size === 200, 'all jobs succeeded');
  await sleep(100);
  assert.equal(runs.length, 180 + 20 * 3);
  for (const job of jobs) assert.equal(results.get(job.id), job.data.number * 2);
  const { waiting, active, succeeded, failed, delayed, newestJob } = await producer.checkHealth();
  assert.deepEqual({ waiting, active, succeeded, failed, delayed, newestJob },
    { waiting: 0, active: 0, succeeded: 200, failed: 0, delayed: 0, newestJob: 200 });
});

await check('delayed jobs run when it is time', async () => {
  const times = [];
  const queue = open('later');
  queue.process(async (job) => { times.push([job.data, Date.now()]); });
  await queue.ready();
  const start = Date.now();
  await queue.createJob('second').delayUntil(start + 1500).save();
  await queue.createJob('first').delayUntil(start + 500).save();
  await until(() => times.length === 2, 'both ran');
  assert.deepEqual(times.map(([data]) => data), ['first', 'second']);
  assert.ok(times[0][1] >= start + 500 && times[1][1] >= start + 1500);
});

await check('progress and failure are told to whoever made the job', async () => {
  const queue = open('told');
  queue.process(async (job) => {
    job.reportProgress({ half: true });
    throw new Error('for good');
  });
  const job = queue.createJob({});
  const seen = [];
  job.on('progress', (progress) => seen.push(progress));
  job.on('failed', (error) => seen.push(error.message));
  await job.save();
  await until(() => seen.length === 2, 'both events came');
  assert.deepEqual(seen, [{ half: true }, 'for good']);
  assert.deepEqual((await queue.getJobs('failed', { size: 10 })).map(({ id }) => id), [job.id]);
});

for (const queue of opened) await queue.close(1000);
done();
