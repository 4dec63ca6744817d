"""The tests' own eyes: every fault planted into a run that was good is found, none in the good one."""

import copy

import compare
import harness
import tap


def routing_at(run, what, skip=0):
    """(partition, index) of a routing event of that kind, not at an end of the list."""
    for partition in range(run.partitions):
        for index, event in enumerate(run.parsed("routing", partition)):
            if event.WhichOneof("event") == what and index > 0:
                if skip == 0:
                    return partition, index
                skip -= 1
    raise AssertionError("the run has no " + what)


def planted(good, change):
    run = copy.deepcopy(good)
    change(run)
    return run


def changed(message, **fields):
    for name, value in fields.items():
        setattr(message, name, value)
    return message.SerializeToString()


def two_run_faults(bench, good):
    partition, index = routing_at(good, "place_call")
    rows = "routing", partition, index

    def rows_of(run):
        return run.records[rows[0]][rows[1]]

    def dropped(run):
        del rows_of(run)[index]

    def doubled(run):
        rows_of(run).insert(index, rows_of(run)[index])

    def swapped(run):
        row = rows_of(run)
        row[index], row[index - 1] = row[index - 1], row[index]

    def replaced(**fields):
        def change(run):
            rows_of(run)[index] = rows_of(run)[index]._replace(**fields)

        return change

    def dead(run):
        run.records["flows.dlq"][0].append(good.records["routing"][partition][index])

    def lost_key(run):
        run.state[0].pop(sorted(run.state[0])[0])

    def stray_key(run):
        run.state[0][b"callback|nobody|nothing"] = b""

    def other_value(run):
        run.state[0][sorted(run.state[0])[0]] = b"\x08\x63"

    def redis_lost(run):
        run.redis[0].pop(sorted(run.redis[0])[0])

    def redis_old(run):
        run.redis[0][sorted(run.redis[0])[0]] = b"\x08\x63"

    def redis_stray(run):
        run.redis[0][b"callback|nobody|nothing"] = b""

    def redis_behind(run):
        run.pointers[0][b"number"] = b"%d" % (int(run.pointers[0][b"number"]) - 1)

    record = good.records["routing"][partition][index]
    cases = [
        (dropped, "a dropped record", "1 lost, 0 too many"),
        (doubled, "a doubled record", "0 lost, 1 too many (1 of them doubled)"),
        (swapped, "two records swapped", "in another order"),
        (replaced(key=b"bank-9999"), "another key", "1 lost, 1 too many"),
        (replaced(value=record.value[:-1]), "another value", "1 lost, 1 too many"),
        (replaced(timestamp=record.timestamp + 1), "another timestamp", "1 lost, 1 too many"),
        (replaced(headers=record.headers[:-1]), "a header missing", "1 lost, 1 too many"),
        (dead, "a dead letter too many", "flows.dlq, partition 0: 1 records, expected 0"),
        (lost_key, "an entity lost from state", "is missing"),
        (stray_key, "an entity too many in state", "is too many"),
        (other_value, "an entity with another value", "state, partition 0"),
        (redis_lost, "a key missing in Redis", "Redis, partition 0"),
        (redis_old, "an old value in Redis", "Redis, partition 0"),
        (redis_stray, "a key too many in Redis", "is too many"),
        (redis_behind, "Redis a batch behind", "the log at"),
    ]
    tap.empty(compare.differences(good, copy.deepcopy(good)), "a run equals itself")
    for change, name, says in cases:
        found = compare.differences(good, planted(good, change))
        tap.ok(any(says in fault for fault in found), "found: " + name, *(found or ["nothing"]))


def one_run_faults(bench, good):
    journal = compare.topiclog.types()["JournalRecord"]
    routing = compare.topiclog.types()["RoutingEvent"]

    def gap(run):
        del run.journal[0][5]

    def no_join(run):
        batch = journal.FromString(run.journal[0][5])
        batch.ranges[1].from_offset += 1
        run.journal[0][5] = batch.SerializeToString()

    def woken_writer(run):
        for at, writer in ((5, b"b" * 16), (6, None)):
            batch = journal.FromString(run.journal[0][at])
            batch.writer = writer or batch.writer
            run.journal[0][at] = batch.SerializeToString()

    def undecided_end(run):
        run.ends["flows", 0] += 1

    def behind_meta(run):
        run.journal[0].pop()

    def lost_accepted(run):
        part, at = routing_at(run, "callback_ended")
        del run.records["routing"][part][at]

    def again(field, **fields):
        def change(run):
            part, at = routing_at(run, field)
            rows = run.records["routing"][part]
            event = routing.FromString(rows[at].value)
            event.id = event.id[:-1] + ("0" if event.id[-1] != "0" else "1")
            for name, value in fields.items():
                setattr(getattr(event, field), name, value)
            rows.insert(
                at + 1,
                rows[at]._replace(
                    value=event.SerializeToString(),
                    headers=tuple(
                        (name, event.id.encode() if name == "ce_id" else value)
                        for name, value in rows[at].headers
                    ),
                ),
            )

        return change

    def same_id(run):
        rows = run.records["analytics"][0]
        rows.append(rows[3])

    def elsewhere(run):
        run.records["routing"][0][0] = run.records["routing"][0][0]._replace(key=b"\xffother\xff")
        run.partitions = 1

    tap.empty(compare.alone(good), "nothing is found in a good run")
    for change, name, says in [
        (gap, "a batch missing in the journal", "follows 5"),
        (no_join, "a range that does not join", "goes on at"),
        (woken_writer, "a writer who comes back after another", "replaced before"),
        (undecided_end, "an input not decided to its end", "flows is decided up to"),
        (behind_meta, "a journal that ends before meta", "meta says"),
        (lost_accepted, "an accepted callback without an end", "ended in state, without an event"),
        (again("place_call"), "an attempt placed twice", "is placed twice"),
        (again("offer", offer_id="0"), "an agent in two offers", "is offered"),
        (again("offer", offer_id="0", agent_id="x"), "a callback offered to two", "is offered to"),
        (again("callback_ended"), "a callback that ends twice", "ends twice"),
        (same_id, "an event id that comes twice", "comes twice"),
    ]:
        found = compare.alone(planted(good, change))
        tap.ok(any(says in fault for fault in found), "found: " + name, *(found or ["nothing"]))


def real_faults(bench, good):
    """Planted where the run left it: in the topic, and in Redis."""
    day = bench.day().until(9)
    with bench.world("planted", day) as world:
        world.finish(world.daemon())
        tap.empty(compare.differences(good, world.snapshot()), "a second run has the same end")
        client = world.redis_client()
        name, pointer = world.redis_pointers(client)[0]
        key = name[: -len(b"pointer")] + pointer[b"fill"] + b":callback"
        field = sorted(client.hkeys(key))[0]
        client.hdel(key, field)
        client.close()
        found = compare.differences(good, world.snapshot())
        tap.ok(
            any("b'callback|%s' is missing" % field.decode() in fault for fault in found),
            "found: a key deleted from Redis",
            *(found or ["nothing"])
        )
        record = good.records["routing"][0][7]
        world.produce("routing", 0, record)
        found = compare.differences(good, world.snapshot())
        tap.ok(
            any("0 lost, 1 too many (1 of them doubled)" in fault for fault in found),
            "found: a record of the topic produced once more",
            *(found or ["nothing"])
        )


def eyes(bench):
    good = bench.reference(bench.day().until(9), {"batch.records_max": 50})
    two_run_faults(bench, good)
    one_run_faults(bench, good)
    real_faults(bench, good)


TESTS = (eyes,)
