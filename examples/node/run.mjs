// What every example shares: runs `main(client)` when the file is the program that was started, not when it is imported.
// The server is the argument after --url.

import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { createClient } from 'redis';

export async function run(moduleUrl, main) {
  if (argv[1] !== fileURLToPath(moduleUrl)) return;
  const at = argv.indexOf('--url');
  const url = at > 0 ? argv[at + 1] : 'redis://127.0.0.1:6379';
  const client = await createClient({ url }).on('error', (error) => console.error(error.message)).connect();
  try {
    await main(client, url);
  } finally {
    await client.close();
  }
}
