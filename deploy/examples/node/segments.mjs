// The analytics stream: what every conversation was at which time. `segments.mjs 3` ends when three
// conversations have ended; without a number it goes on.
import { end, read } from "./bus.mjs";

let left = Number(process.argv[2] ?? -1);
await read(["analytics"], async (what, event) => {
  if (left === 0) return;
  if (what === "segment") {
    const { type, startMs, endMs } = event.segment;
    const seconds = ((endMs - startMs) / 1000).toFixed(1);
    console.log(`segment: ${type} in ${event.queueId}, agent ${event.agentId || "none"}, ${seconds} s`);
  } else if (what === "sessionEnded") {
    console.log("ended:", event.sessionEnded.reason);
    left -= 1;
  }
  if (left === 0) end();
});
