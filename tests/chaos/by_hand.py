"""What an operator does when Ringback says that a transaction hangs: `kafka-transactions.sh abort`, in the two
requests of Kafka's protocol that it sends (DescribeProducers, WriteTxnMarkers); that tool is not in the jars.
"""

import io
import socket
import struct

DESCRIBE_PRODUCERS, WRITE_TXN_MARKERS = 61, 27
NOT_LEADER = 6


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes((number,))


def text(word):
    word = word.encode()
    return varint(len(word) + 1) + word


def array(items):
    return varint(len(items) + 1) + b"".join(items)


class Answer(io.BytesIO):
    def take(self, kind):
        return struct.unpack(">" + kind, self.read(struct.calcsize(">" + kind)))[0]

    def varint(self):
        number = shift = 0
        while True:
            byte = self.read(1)[0]
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    def text(self):
        size = self.varint()
        return self.read(size - 1).decode() if size else None

    def tags(self):
        for _ in range(self.varint()):
            self.varint()
            self.read(self.varint())


def ask(port, key, version, body):
    """One request to the broker on 127.0.0.1; its answer behind the header."""
    request = struct.pack(">hhi", key, version, 1) + struct.pack(">h", 8) + b"operator" + b"\0" + body + b"\0"
    with socket.create_connection(("127.0.0.1", port), 10) as link:
        link.settimeout(20)
        link.sendall(struct.pack(">i", len(request)) + request)
        stream = link.makefile("rb")
        answer = Answer(stream.read(struct.unpack(">i", stream.read(4))[0]))
    answer.take("i")
    answer.tags()
    return answer


def hanging(port, topic, partition):
    """[(producer id, epoch, coordinator's epoch, first offset)] of the transactions that are open there."""
    one = text(topic) + array([struct.pack(">i", partition)]) + b"\0"
    answer = ask(port, DESCRIBE_PRODUCERS, 0, array([one]))
    answer.take("i")
    found = []
    for _ in range(answer.varint() - 1):
        answer.text()
        for _ in range(answer.varint() - 1):
            answer.take("i")
            code, why = answer.take("h"), answer.text()
            if code not in (0, NOT_LEADER):  # of those that another broker leads there are none here
                raise OSError("DescribeProducers of %s, partition %d: error %d %s" % (topic, partition, code, why or ""))
            for _ in range(answer.varint() - 1):
                producer, epoch, _, _, coordinator, start = (answer.take(kind) for kind in "qiiqiq")
                answer.tags()
                if start >= 0:
                    found.append((producer, epoch, coordinator, start))
            answer.tags()
        answer.tags()
    return found


def abort(port, topic, partition, producers):
    """End what hangs there of these (producer id, epoch); how many there were."""
    found = [one for one in hanging(port, topic, partition) if one[:2] in producers]
    for producer, epoch, coordinator, _ in found:
        topics = array([text(topic) + array([struct.pack(">i", partition)]) + b"\0"])
        marker = struct.pack(">qhb", producer, epoch, 0) + topics + struct.pack(">i", max(coordinator, 0)) + b"\0"
        answer = ask(port, WRITE_TXN_MARKERS, 1, array([marker]))
        for _ in range(answer.varint() - 1):
            answer.take("q")
            for _ in range(answer.varint() - 1):
                answer.text()
                for _ in range(answer.varint() - 1):
                    answer.take("i")
                    code = answer.take("h")
                    if code:
                        raise OSError("WriteTxnMarkers on %s, partition %d: error %d" % (topic, partition, code))
                    answer.tags()
                answer.tags()
            answer.tags()
    return len(found)
