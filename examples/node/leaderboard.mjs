// A leaderboard in a sorted set: best scores, ranks, and the neighbours of a player.
//
//   node leaderboard.mjs --url redis://127.0.0.1:6379

import { run } from './run.mjs';

export class Leaderboard {
  #client; #key;

  constructor(client, name) {
    this.#client = client;
    this.#key = `leaderboard:${name}`;
  }

  // Keeps the better of the score and the player's best. True when it is a new best.
  async submit(player, score) {
    return await this.#client.zAdd(this.#key, { value: player, score }, { comparison: 'GT', CH: true }) === 1;
  }

  // Adds points to what the player has; returns the sum.
  add(player, points) {
    return this.#client.zIncrBy(this.#key, points, player);
  }

  top(count) {
    return this.#places(0, count - 1);
  }

  // The player with `distance` neighbours on each side; nothing for a player without a score.
  async around(player, distance) {
    const rank = await this.#client.zRevRank(this.#key, player);
    return rank === null ? [] : this.#places(Math.max(0, rank - distance), rank + distance);
  }

  // Null for a player without a score.
  async place(player) {
    const [rank, score] = await this.#client.multi().zRevRank(this.#key, player).zScore(this.#key, player).exec();
    return rank === null ? null : { rank: rank + 1, player, score };
  }

  size() {
    return this.#client.zCard(this.#key);
  }

  async remove(player) {
    return await this.#client.zRem(this.#key, player) === 1;
  }

  async #places(first, last) {
    const rows = await this.#client.zRangeWithScores(this.#key, first, last, { REV: true });
    return rows.map(({ value, score }, index) => ({ rank: first + index + 1, player: value, score }));
  }
}

await run(import.meta.url, async (client) => {
  const board = new Leaderboard(client, 'example');
  const scores = { ada: 310, grace: 420, edsger: 250, barbara: 390, donald: 120 };
  for (const [player, score] of Object.entries(scores)) await board.submit(player, score);
  await board.submit('grace', 100); // not her best
  await board.add('donald', 200);
  console.log('top:', (await board.top(3)).map(({ rank, player, score }) => `${rank} ${player} ${score}`).join(', '));
  const neighbours = await board.around('donald', 1);
  console.log('around donald:', neighbours.map(({ rank, player }) => `${rank} ${player}`).join(', '));
  await client.del('leaderboard:example');
});
