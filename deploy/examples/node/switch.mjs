// A telephone switch, as small as it goes: dials what PlaceCall says and tells what came of it. Here
// every customer answers at once and soon hangs up.
//
// An attempt id is dialled once: ids are on disk (DIALLED) before a number is dialled, and the group's
// position is committed afterwards. What is read again after a crash is found there and left out.
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { end, read, send } from "./bus.mjs";

const { DIALLED = "dialled.txt", GROUP = "example-switch" } = process.env;

const report = (attemptId, version, what) => send("interactions", {
  id: `${attemptId}-${version}`, attempt: { attemptId, version, timeMs: Date.now() }, ...what,
});

/** False: it was dialled before. */
function remember(attemptId) {
  if (existsSync(DIALLED) && readFileSync(DIALLED, "utf8").split("\n").includes(attemptId)) {
    return false;
  }
  const file = openSync(DIALLED, "a");
  writeSync(file, `${attemptId}\n`);
  fsyncSync(file);
  closeSync(file);
  return true;
}

async function place({ attemptId, number, agentId }) {
  if (!remember(attemptId)) {
    console.log("left out, dialled before:", number);
    return;
  }
  console.log(`dialling: ${number} for ${agentId || "nobody yet"}`);
  await report(attemptId, 1, { attemptRinging: {} });
  await report(attemptId, 2, { attemptAnswered: { kind: "ANSWER_KIND_PERSON" } });
  await report(attemptId, 3, { attemptConnected: { agentId } });
  await report(attemptId, 4, {
    attemptEnded: { result: "ATTEMPT_RESULT_HUNG_UP", by: "PARTY_CUSTOMER" },
  });
  await report(attemptId, 5, { attemptWrapUpEnded: { agentId } });
  console.log("hung up by the customer:", number);
}

process.on("SIGTERM", () => end());
console.log("waiting for calls to place");
await read(["routing"], async (what, event) => {
  if (what === "placeCall") await place(event.placeCall);
  else if (what === "hangUp") console.log("to be hung up:", event.hangUp.attemptId);
}, GROUP);
