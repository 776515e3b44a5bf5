// BullMQ, one job at a time: node bullmq.mjs PORT JOBS
import { Queue, Worker } from 'bullmq';

const WARM_UP = 100;
const [port, jobs] = process.argv.slice(2).map(Number);
const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };

const queue = new Queue('bench', { connection });
for (let number = 0; number < jobs; number += 1000) {
  const some = Array.from({ length: Math.min(1000, jobs - number) }, (_, index) => ({
    name: 'noop',
    data: { prompt: 'a lighthouse above the sea', seed: number + index },
  }));
  await queue.addBulk(some);
}

let done = 0;
let start = 0;
const worker = new Worker('bench', async () => {}, { connection, concurrency: 1 });
worker.on('completed', async () => {
  done += 1;
  if (done === WARM_UP) start = performance.now();
  if (done === jobs) {
    console.log(((jobs - WARM_UP) * 1000) / (performance.now() - start));
    await worker.close();
    await queue.close();
  }
});
