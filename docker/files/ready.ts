// Exit code 0 while the master of this container is ready: its health check.
const url = process.env.ICEFALL_URL ?? 'http://127.0.0.1:8010';
const answer = await fetch(`${url}/health/ready`).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return null;
});
if (answer !== null) process.stdout.write(`${await answer.text()}\n`);
process.exitCode = answer?.ok === true ? 0 : 1;
