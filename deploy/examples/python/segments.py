"""The analytics stream: what every conversation was at which time. `segments.py 3` ends when three
conversations have ended; without a number it goes on."""

import sys

import bus
from ringback.v1 import analytics_pb2, common_pb2

left = int(sys.argv[1]) if len(sys.argv) > 1 else -1
for _, event in bus.read(["analytics"], {"analytics": analytics_pb2.AnalyticsEvent}):
    what = event.WhichOneof("event")
    if what == "segment":
        print("segment: %s in %s, agent %s, %.1f s" % (
            analytics_pb2.SegmentType.Name(event.segment.type), event.queue_id,
            event.agent_id or "none", (event.segment.end_ms - event.segment.start_ms) / 1000),
            flush=True)
    elif what == "session_ended":
        print("ended:", common_pb2.Reason.Name(event.session_ended.reason), flush=True)
        left -= 1
    if left == 0:
        break
