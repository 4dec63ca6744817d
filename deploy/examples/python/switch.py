"""A telephone switch, as small as it goes: dials what PlaceCall says and tells what came of it. Here
every customer answers at once and soon hangs up.

An attempt id is dialled once: ids are on disk (DIALLED) before a number is dialled, and the group's
position is committed afterwards. What is read again after a crash is found there and left out."""

import os
import time

import bus
from ringback.v1 import interactions_pb2, routing_pb2

DIALLED = os.environ.get("DIALLED", "dialled.txt")
to = bus.producer()


def report(attempt, version, **what):
    bus.send(to, "interactions", interactions_pb2.InteractionEvent(
        id="%s-%d" % (attempt, version),
        attempt=interactions_pb2.Attempt(
            attempt_id=attempt, version=version, time_ms=int(time.time() * 1000)), **what))


def remember(attempt):
    """False: it was dialled before."""
    with open(DIALLED, "a+") as file:
        file.seek(0)
        if attempt in file.read().split():
            return False
        file.write(attempt + "\n")
        file.flush()
        os.fsync(file.fileno())
    return True


def place(call):
    if not remember(call.attempt_id):
        print("left out, dialled before:", call.number, flush=True)
        return
    print("dialling: %s for %s" % (call.number, call.agent_id or "nobody yet"), flush=True)
    report(call.attempt_id, 1, attempt_ringing=interactions_pb2.AttemptRinging())
    report(call.attempt_id, 2, attempt_answered=interactions_pb2.AttemptAnswered(
        kind=interactions_pb2.ANSWER_KIND_PERSON))
    report(call.attempt_id, 3, attempt_connected=interactions_pb2.AttemptConnected(
        agent_id=call.agent_id))
    report(call.attempt_id, 4, attempt_ended=interactions_pb2.AttemptEnded(
        result=interactions_pb2.ATTEMPT_RESULT_HUNG_UP, by=interactions_pb2.PARTY_CUSTOMER))
    report(call.attempt_id, 5, attempt_wrap_up_ended=interactions_pb2.AttemptWrapUpEnded(
        agent_id=call.agent_id))
    print("hung up by the customer:", call.number, flush=True)


print("waiting for calls to place", flush=True)
for consumer, event in bus.read(["routing"], {"routing": routing_pb2.RoutingEvent},
                                group=os.environ.get("GROUP", "example-switch")):
    what = event.WhichOneof("event")
    if what == "place_call":
        place(event.place_call)
    elif what == "hang_up":
        print("to be hung up:", event.hang_up.attempt_id, flush=True)
    consumer.commit(asynchronous=False)
