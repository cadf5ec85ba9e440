// A login with the client of @hey-api/openapi-ts. Arguments: service, simulator, number.
import { client } from "./verify_client/client.gen";
import { checkCode, readVerification, startVerification } from "./verify_client/sdk.gen";
import type { CheckAnswer, ErrorAnswer, VerificationAnswer } from "./verify_client/types.gen";

const [service, simulator, number] = process.argv.slice(2);
client.setConfig({ baseUrl: service, auth: "AccessKey development-access-key" });

async function check(verificationId: string, code: string): Promise<CheckAnswer> {
  const headers = { "Idempotency-Key": `key-${code}` };
  const { data } = await checkCode({ body: { verificationId, code }, headers, throwOnError: true });
  return data;
}

async function main(): Promise<void> {
  const start = { body: { number, reference: "order 7" }, throwOnError: true as const };
  const started: VerificationAnswer = (await startVerification(start)).data;
  const seen = await fetch(`${simulator}/sandbox/calls?number=${number}`);
  const { calls } = (await seen.json()) as { calls: { from: string }[] };
  const wrong = await check(started.verificationId, "0000");
  const right = await check(started.verificationId, calls[calls.length - 1].from.slice(-4));
  const path = { verificationId: "unknown" };
  const missing: ErrorAnswer | undefined = (await readVerification({ path })).error;
  console.log(
    JSON.stringify({
      prefix: started.call.callerPrefix,
      wrong: [wrong.verified, wrong.checksLeft, wrong.nextAction],
      right: [right.verified, right.number, right.nextAction, right.reference],
      error: [missing?.status, missing?.reason],
    }),
  );
}

void main();
