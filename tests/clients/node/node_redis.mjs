// node-redis as this node.js can run it: its newest version wants 20, and Debian 12 has 18.
export function nodeRedis() {
  return import(Number(process.versions.node.split('.')[0]) >= 20 ? 'redis' : 'redis-for-node-18');
}
