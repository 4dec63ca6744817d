// What a platform says until a caller is called back: settings, an agent, a call, the wish to be
// called back; then the agent's desktop accepts the offer. Ends when the callback has ended.
import { end, read, send } from "./bus.mjs";

const now = Date.now();
const call = `call-${now}`;
const conversation = `conv-${now}`;
const number = "+493030890001";
const place = { queueId: "sales", entryMs: now };

// A script that allows callbacks, a queue, an agent. A newer version replaces an older one.
const settings = [
  { id: `script-${now}`, script: { scriptId: "callback", version: now, callbackEnabled: true } },
  {
    id: `queue-${now}`,
    queue: {
      queueId: "sales", version: now, defaultScriptId: "callback",
      autoDial: { delayS: 0 }, autoEnd: { delayS: 0 },
    },
  },
  { id: `agent-${now}`, agent: { agentId: "anna", version: now } },
];

// The agent is logged in, free, and serves the queue: three facts, each for itself.
const presence = [
  { joinedQueues: { queueIds: ["sales"] } },
  { presence: { presence: "PRESENCE_ON_QUEUE" } },
  { routingStatus: { status: "ROUTING_STATUS_IDLE" } },
].map((fact, at) => (
  { id: `presence-${now}-${at}`, agentId: "anna", version: now, changeMs: now, ...fact }
));

const interaction = (version, what) => ({
  id: `${call}-${version}`,
  interaction: {
    interactionId: call, conversationId: conversation, media: "MEDIA_VOICE", version,
    timeMs: Date.now(),
  },
  ...what,
});

// The caller presses 1: call me back. The facts are those of the call as the flow knows them.
const wish = {
  id: `wish-${now}`,
  createCallback: {
    interactionId: call, conversationId: conversation, number, queueId: "sales",
    flowType: "FLOW_TYPE_IN_QUEUE_CALL",
    facts: { place, ani: number, media: "MEDIA_VOICE", version: 1 },
  },
};

for (const event of settings) await send("settings", event);
await send("interactions", interaction(1, { entered: { place, ani: number } }));
await send("flows", wish);
await read(["results", "routing"], async (what, event, topic) => {
  const mine = event.conversationId === conversation;
  if (what === "settingsAccepted" && event.settingsAccepted.version === now) {
    console.log("settings accepted:", event.settingsAccepted.kind, event.settingsAccepted.key);
  } else if (what === "callbackAccepted" && event.requestId === wish.id) {
    console.log("callback accepted: the caller may hang up");
    await send("interactions", interaction(2, { ended: {} }));
    for (const fact of presence) await send("presence", fact);
  } else if (topic === "results" && what.endsWith("Refused") && event.requestId.endsWith(now)) {
    console.log("refused:", event[what].text);
    end(1);
  } else if (what === "offer" && mine) {
    console.log("offered to:", event.offer.agentId);
    await send("commands", {
      requestId: `accept-${event.offer.offerId}`, callbackId: event.callbackId,
      agentId: event.offer.agentId, accept: { offerId: event.offer.offerId },
    });
  } else if (what === "callbackAssigned" && mine) {
    console.log("accepted by:", event.callbackAssigned.agentId);
  } else if (what === "callbackEnded" && mine) {
    const { reason, attempts } = event.callbackEnded;
    console.log(`callback ended: ${reason}, attempts: ${attempts}`);
    end();
  }
});
