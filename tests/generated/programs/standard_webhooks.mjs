// Verifies a signed request with the library of Standard Webhooks, and signs the same one itself.
import { Webhook } from "standardwebhooks";

const { secret, headers, body } = JSON.parse(process.argv[2]);
const webhook = new Webhook(secret);
const sentAt = new Date(Number(headers["webhook-timestamp"]) * 1000);
const verified = webhook.verify(body, headers);
const signature = webhook.sign(headers["webhook-id"], sentAt, body);
console.log(JSON.stringify({ verified, signature }));
