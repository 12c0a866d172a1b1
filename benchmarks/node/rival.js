// The rival of benchmarks.webhook_door: an app as Shopify's own express library suggests one, whose handler makes every
// event durable in PostgreSQL before the library answers. Started by benchmarks/webhook_door.py with its environment;
// STORE=none leaves the insert out, which shows what the commit costs it. It ends with the process that started it.
import express from 'express';
import pg from 'pg';
import { shopifyApp } from '@shopify/shopify-app-express';
import { ApiVersion, DeliveryMethod, LogSeverity } from '@shopify/shopify-api';
import { MemorySessionStorage } from '@shopify/shopify-app-session-storage-memory';

const { PORT, STORE, POOL, API_KEY, API_SECRET } = process.env;
const { DATABASE_SOCKET, DATABASE_PORT, DATABASE_USER, DATABASE_NAME } = process.env;
const TOPICS = ['ORDERS_CREATE', 'ORDERS_PAID', 'ORDERS_UPDATED', 'CUSTOMERS_UPDATE', 'REFUNDS_CREATE'];

const pool = new pg.Pool({
  host: DATABASE_SOCKET,
  port: Number(DATABASE_PORT),
  user: DATABASE_USER,
  database: DATABASE_NAME,
  max: Number(POOL),
});

// A named statement is planned once a connection: the quickest way that this driver has.
const insert = {
  name: 'insert-event',
  text: `insert into rival_events (shop, topic, webhook_id, api_version, body) values ($1, $2, $3, $4, $5)
         on conflict do nothing`,
};

async function keep(topic, shop, body, webhookId, apiVersion) {
  if (STORE !== 'none') await pool.query({ ...insert, values: [shop, topic, webhookId, apiVersion, body] });
}

const shopify = shopifyApp({
  api: {
    apiKey: API_KEY,
    apiSecretKey: API_SECRET,
    apiVersion: ApiVersion.July25,
    hostScheme: 'http',
    hostName: `127.0.0.1:${PORT}`,
    scopes: ['read_orders'],
    isEmbeddedApp: true,
    // By default it writes two lines for every webhook.
    logger: { level: LogSeverity.Error },
  },
  auth: { path: '/auth', callbackPath: '/auth/callback' },
  webhooks: { path: '/webhooks' },
  sessionStorage: new MemorySessionStorage(),
});

const handler = { deliveryMethod: DeliveryMethod.Http, callbackUrl: '/webhooks', callback: keep };
const app = express();
app.post('/webhooks', shopify.processWebhooks({ webhookHandlers: Object.fromEntries(TOPICS.map((t) => [t, handler])) }));
app.get('/healthz', (request, response) => response.send('alive'));
app.listen(Number(PORT), '127.0.0.1');

const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(0);
}, 500);
