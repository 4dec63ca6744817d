"""What a platform says until a caller is called back: settings, an agent, a call, the wish to be
called back; then the agent's desktop accepts the offer. Ends when the callback has ended."""

import time

import bus
from ringback.v1 import (
    commands_pb2, common_pb2, flows_pb2, interactions_pb2, presence_pb2, results_pb2, routing_pb2,
    settings_pb2,
)

NOW = int(time.time() * 1000)
CALL, CONVERSATION, NUMBER = "call-%d" % NOW, "conv-%d" % NOW, "+493030890001"
to = bus.producer()


def settings():
    """A script that allows callbacks, a queue, an agent. A newer version replaces an older one."""
    event = settings_pb2.SettingsEvent(id="script-%d" % NOW)
    event.script.CopyFrom(settings_pb2.ScriptSettings(
        script_id="callback", version=NOW, callback_enabled=True))
    yield event
    event = settings_pb2.SettingsEvent(id="queue-%d" % NOW)
    event.queue.CopyFrom(settings_pb2.QueueSettings(
        queue_id="sales", version=NOW, default_script_id="callback",
        auto_dial=settings_pb2.AutoDial(delay_s=0), auto_end=settings_pb2.AutoEnd(delay_s=0)))
    yield event
    event = settings_pb2.SettingsEvent(id="agent-%d" % NOW)
    event.agent.CopyFrom(settings_pb2.AgentSettings(agent_id="anna", version=NOW))
    yield event


def presence():
    """The agent is logged in, free, and serves the queue: three facts, each for itself."""
    for at, facts in enumerate((
        {"joined_queues": presence_pb2.JoinedQueuesChanged(queue_ids=["sales"])},
        {"presence": presence_pb2.PresenceChanged(presence=presence_pb2.PRESENCE_ON_QUEUE)},
        {"routing_status": presence_pb2.RoutingStatusChanged(
            status=presence_pb2.ROUTING_STATUS_IDLE)},
    )):
        yield presence_pb2.PresenceEvent(
            id="presence-%d-%d" % (NOW, at), agent_id="anna", version=NOW, change_ms=NOW, **facts)


def interaction(version, **what):
    return interactions_pb2.InteractionEvent(
        id="%s-%d" % (CALL, version),
        interaction=interactions_pb2.Interaction(
            interaction_id=CALL, conversation_id=CONVERSATION, media=common_pb2.MEDIA_VOICE,
            version=version, time_ms=int(time.time() * 1000)), **what)


def create_callback(place):
    """The caller presses 1: call me back. The facts are those of the call as the flow knows them."""
    event = flows_pb2.FlowEvent(id="wish-%d" % NOW)
    event.create_callback.CopyFrom(flows_pb2.CreateCallback(
        interaction_id=CALL, conversation_id=CONVERSATION, number=NUMBER, queue_id="sales",
        flow_type=flows_pb2.FLOW_TYPE_IN_QUEUE_CALL,
        facts=flows_pb2.InteractionFacts(
            place=place, ani=NUMBER, media=common_pb2.MEDIA_VOICE, version=1)))
    return event


place = common_pb2.Place(queue_id="sales", entry_ms=NOW)
for event in settings():
    bus.send(to, "settings", event)
bus.send(to, "interactions", interaction(1, entered=interactions_pb2.InteractionEntered(
    place=place, ani=NUMBER)))
bus.send(to, "flows", create_callback(place))
callback = None
for _, event in bus.read(["results", "routing"], {"results": results_pb2.Result,
                                                  "routing": routing_pb2.RoutingEvent}):
    what = event.WhichOneof("answer" if isinstance(event, results_pb2.Result) else "event")
    if what == "settings_accepted" and event.settings_accepted.version == NOW:
        print("settings accepted:", event.settings_accepted.kind, event.settings_accepted.key)
    elif what == "callback_accepted" and event.request_id == "wish-%d" % NOW:
        callback = event.callback_accepted.callback_id
        print("callback accepted: the caller may hang up")
        bus.send(to, "interactions", interaction(2, ended=interactions_pb2.InteractionEnded()))
        for fact in presence():
            bus.send(to, "presence", fact)
    elif what in ("callback_refused", "settings_refused") and event.request_id.endswith(str(NOW)):
        raise SystemExit("refused: " + getattr(event, what).text)
    elif what == "offer" and event.conversation_id == CONVERSATION:
        print("offered to:", event.offer.agent_id)
        bus.send(to, "commands", commands_pb2.Command(
            request_id="accept-" + event.offer.offer_id, callback_id=event.callback_id,
            agent_id=event.offer.agent_id,
            accept=commands_pb2.Accept(offer_id=event.offer.offer_id)))
    elif what == "callback_assigned" and event.conversation_id == CONVERSATION:
        print("accepted by:", event.callback_assigned.agent_id)
    elif what == "callback_ended" and event.conversation_id == CONVERSATION:
        reason = common_pb2.Reason.Name(event.callback_ended.reason)
        print("callback ended: %s, attempts: %d" % (reason, event.callback_ended.attempts))
        break
