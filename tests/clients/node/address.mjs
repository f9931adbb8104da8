// Where the server is: SERVER is a port or a socket's path. With TLS_CACERT the way there is TLS, with TLS_CERT and
// TLS_KEY the client shows a certificate.

import { readFileSync } from 'node:fs';

const server = process.env.SERVER;
const isPort = /^\d+$/.test(server);
const file = (name) => process.env[name] && readFileSync(process.env[name]);

// As node's tls.connect takes them; undefined without TLS.
export const tls = process.env.TLS_CACERT && { ca: file('TLS_CACERT'), cert: file('TLS_CERT'), key: file('TLS_KEY') };

export const nodeRedisSocket = isPort
  ? { port: Number(server), host: '127.0.0.1', ...(tls && { tls: true, ...tls }) } : { path: server };
export const ioredisOptions = isPort ? { port: Number(server), host: '127.0.0.1', tls } : { path: server };
// As whom the server admits.
export const expectedUser = process.env.EXPECTED_USER;
