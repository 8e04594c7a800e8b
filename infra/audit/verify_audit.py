#!/usr/bin/env python3
"""Verifies an exported audit trail: `onecli audit export --format jsonl`. Python's standard library alone; shares no code with OneCLI.

usage: verify_audit.py EXPORT [--key NAME+ID+KEY] [--mac-key-file FILE] [--checkpoint FILE]...

--key           the public key as you know it; without it the one in the export is believed
--mac-key-file  64 hexadecimal digits: what `onecli audit key export` wrote; without it the MACs of the chains are not checked
--checkpoint    a checkpoint that you kept: finds that the end was cut off, or that the past was written anew
Exit code 0: sound; 1: not, and the first bad event is named; 2: called wrongly. docs/audit.md tells what is checked.
"""
import argparse, base64, hashlib, hmac, json, re, struct, sys

# Ed25519 verification as RFC 8032, 5.1.7, has it; points are extended homogeneous coordinates.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)
def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P
def times(s, p):
    q = (0, 1, 1, 0)
    while s: q, p, s = add(q, p) if s & 1 else q, add(p, p), s >> 1
    return q
def point(data):
    sign, y = divmod(int.from_bytes(data, "little"), 2**255)
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = next((x for x in (pow(x2, (P + 3) // 8, P), pow(x2, (P + 3) // 8, P) * ROOT % P) if (x * x - x2) % P == 0), 0)
    if y >= P or (x * x - x2) % P or (x == 0 and sign): raise ValueError("not a point")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P
G = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
def is_signed(public, message, signature):
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    p, q = times(s, G), add(r, times(h, a))
    return s < L and (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0
def sha(data): return hashlib.sha256(data).digest()
class Tree:
    """The Merkle tree of RFC 6962, 2.1, of which the full subtrees are kept, the largest first."""
    def __init__(self, size=0, nodes=()):
        self.size, self.nodes = size, list(nodes)
        if bin(size).count("1") != len(self.nodes): raise ValueError("not a tree")
    def append(self, leaf):
        place, self.size = self.size, self.size + 1
        while place & 1: leaf, place = sha(b"\1" + self.nodes.pop() + leaf), place >> 1
        self.nodes.append(leaf)
    def root(self):
        root = self.nodes[-1] if self.nodes else sha(b"")
        for node in reversed(self.nodes[:-1]): root = sha(b"\1" + node + root)
        return root
def read_key(text):
    name, key_id, key = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text.strip()).groups()
    key = base64.b64decode(key, validate=True)
    if len(key) != 33 or key[0] != 1 or sha(name.encode() + b"\n" + key)[:4].hex() != key_id: raise ValueError("not a key")
    return name, bytes.fromhex(key_id), key[1:]
def read_checkpoint(note, key):
    """Size and root of a C2SP tlog-checkpoint, or why it is not good."""
    text, _, signatures = note.rpartition("\n\n")
    lines = text.split("\n")
    if len(lines) < 3 or not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]): return "it is not a checkpoint"
    if lines[0] != key[0]: return "it is of another trail"
    for signature in re.findall("^— " + re.escape(key[0]) + r" ([A-Za-z0-9+/=]+)$", signatures, re.M):
        data = base64.b64decode(signature)
        try:
            if data[:4] == key[1] and len(data) == 68 and is_signed(key[2], (text + "\n").encode(), data[4:]):
                return int(lines[1]), base64.b64decode(lines[2], validate=True)
        except ValueError: pass
    return "its signature is not good"
def base36(n): return (base36(n // 36) if n >= 36 else "") + "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36]
def event_of(run, sequence): return "%s-%s-%s" % (run["worker"], run["boot"], base36(sequence))
# Positions of an entry: [sequence, kind, of, …]. What an outcome says of the end stands first, what it says of the request last.
ENDING = "timeMs decision reason rule status latencyMs requestBytes responseBytes secrets findings".split()
BEGINNING = "revision requestId agentId agent host port method path".split()
INTENT = "timeMs revision requestId agentId agent rule host port method path secrets".split()
def storable(value):
    """As PostgreSQL's text keeps it: without NUL and lone surrogates."""
    keep = lambda text: re.sub("[\0\ud800-\udfff]", "\ufffd", text) if isinstance(text, str) else text
    return [keep(item) for item in value] if isinstance(value, list) else keep(value)
class Verifier:
    def __init__(self, key, mac_key, kept):
        self.known, self.mac_key, self.notes, self.kept = key, mac_key, kept, []
        self.faults, self.count, self.chains, self.ended, self.tree = [], 0, {}, {}, Tree()
        self.head = self.key = self.end = None
        self.lost, self.signed, self.checkpoints, self.pruned, self.rows_pruned = False, 0, 0, 0, 0
    def tell(self, index, event, what, names=True):  # names: an entry is wrong, which may be why others do not fit
        self.count, self.faults = self.count + 1, self.faults + [(index, event, what, names)]
        if len(self.faults) > 200: self.faults = sorted(self.faults, key=lambda fault: fault[0])[:100]
    def read(self, text):
        try: self.take(json.loads(text))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error: self.tell(self.tree.size, None, "a line cannot be read: %r" % error)
    def begin(self, head):
        self.head, self.key = head, read_key(self.known or head["key"])
        if head["format"] != 1: raise ValueError("not a head")
        if self.known and head["key"] != self.known.strip(): self.tell(0, None, "signed with another key than the one that is known")
        self.tree = Tree(head["start"]["size"], [bytes.fromhex(node) for node in head["start"]["nodes"]])
        for note in self.notes:
            read = read_checkpoint(note, self.key)
            self.tell(0, None, "the kept checkpoint is not one of this trail: " + read) if isinstance(read, str) else self.kept.append(read)
        for size in (size for size, _ in self.kept if size < self.tree.size): self.tell(self.tree.size, None, "a kept checkpoint of %d entries cannot be compared" % size)
        self.compare_kept()
    def take(self, line):
        kind = line["type"]
        if kind == "trail" and self.head is None: return self.begin(line)
        if kind == "trail" or self.head is None or self.end is not None: return self.tell(self.tree.size, None, "a line is out of place")
        if kind == "end": self.end, at = line["size"], self.tree.size if self.named(self.signed, self.tree.size + 1) else self.signed
        if kind == "end": [self.tell(at, None, fault, False) for fault in line.get("faults", [])]
        elif kind in ("entry", "damage", "checkpoint"): getattr(self, kind)(line)
        else: self.tell(self.tree.size, None, "a line of no known kind")
    def place(self, index):
        if index == self.tree.size: return
        self.lost = not self.tell(min(index, self.tree.size), None, "entry %d comes where %d should" % (index, self.tree.size))
        self.tree = Tree(index, [b""] * bin(index).count("1"))
    def entry(self, e):
        index, text, fields = e["index"], e["worker"] + "/" + e["boot"], json.loads(e["line"])
        self.place(index)
        event, leaf = event_of(e, fields[0]), sha(("\0%s\n%s\n" % (text, e["line"]) + ("#%s\n" % e["mac"] if "mac" in e else "")).encode())
        if leaf.hex() != e["leaf"]: self.tell(index, event, "the entry is not the one that its leaf was made of")
        chain = self.chains.setdefault(text, {"next": None, "mac": None, "link": [], "at": None, "open": {}})
        self.follow(chain, text, e, fields[0], event)
        if e["worker"] == "@control-plane": self.own(e, fields[3])
        else: self.request(chain["open"], e, fields)
        self.tree.append(leaf)
        self.compare_kept()
    def follow(self, chain, name, e, sequence, event):
        expected = chain["next"] if chain["next"] is not None else (sequence if self.head["start"]["size"] else 0)
        if sequence != expected: chain["mac"] = self.tell(e["index"], event, "%s: entry %d comes where %d should" % (name, sequence, expected))
        if not chain["link"]:
            chain["at"] = (e["index"], event)
            chain["mac"] = chain["mac"] or (self.hmac(("onecli/v1/audit-chain/" + name).encode()) if sequence == 0 and self.mac_key else e.get("previousMac"))
            if e.get("previousMac", chain["mac"]) != chain["mac"] and not self.explained(chain): self.tell(e["index"], event, "it is said to follow on another link")
        chain.update(next=sequence + 1, link=chain["link"] + [e["line"] + "\n"])
        if "mac" not in e: return
        data = bytes.fromhex(chain["mac"] or "") + "".join(chain["link"]).encode()
        if self.mac_key and chain["mac"] and self.hmac(data) != e["mac"] and not self.explained(chain): self.tell(*chain["at"], "the MAC of its link is wrong")
        chain.update(mac=e["mac"], link=[])
    def explained(self, chain): return self.named(chain["at"][0], float("inf"))
    def named(self, start, end): return any(names and start <= at < end for at, _, _, names in self.faults)
    def hmac(self, data): return hmac.new(self.mac_key, data, hashlib.sha256).hexdigest()
    def own(self, e, fact):
        if fact["kind"] == "RETENTION": self.pruned, self.rows_pruned = max(self.pruned, fact["entriesBefore"]), max(self.rows_pruned, fact["rowsBeforeMs"])
        elif fact["kind"] == "END": self.ended[fact["worker"] + "/" + fact["boot"]] = (fact["from"], e["index"])
        elif fact["kind"] == "BROKEN":
            if not any(event == event_of(fact, fact["from"]) and "MAC" in what for _, event, what, _ in self.faults): self.tell(e["index"], event_of(fact, fact["from"]), "it says that entries, or the record of their run, were altered before they were written", False)
        elif fact["kind"] == "ADMIN" and e.get("row") not in (None, fact["event"]): self.tell(e["index"], fact["event"]["id"], "the record of admins says something else", False)
        elif fact["kind"] == "ADMIN" and e.get("row") is None and int(fact["event"]["atMicros"]) / 1000 >= self.head["adminRowsFromMs"]: self.tell(e["index"], fact["event"]["id"], "the record of admins lacks the event", False)
    def request(self, opened, e, fields):
        sequence, kind, of, rest = fields[0], fields[1], fields[2], fields[3:]
        if kind == "INTENT" and of is not None: return opened[of]["secrets"].extend(rest[1]) if of in opened else None
        if kind == "INTENT": return opened.update({sequence: dict(zip(INTENT, rest), index=e["index"], row=e.get("row"))})
        event = dict(zip(ENDING, rest), findings=[{"kind": k, "place": p} for k, p in rest[9]])
        begun = opened.pop(of, None) if of is not None else dict(zip(BEGINNING, rest[10:]))
        if begun: self.compare(e["worker"], e["boot"], sequence if of is None else of, begun, event, e["index"], e.get("row"))
    def compare(self, worker, boot, sequence, begun, ending, index, row):
        event = dict(ending, worker=worker, id="%s-%s-%s" % (worker, boot, base36(sequence)), **{name: begun[name] for name in BEGINNING})
        if row is None: return event["timeMs"] >= self.head["rowsFromMs"] and self.tell(index, event["id"], "the list lacks the event", False)
        kept = {"path": lambda path: path, "findings": lambda findings: findings, "latencyMs": lambda ms: struct.pack("<f", ms or 0)}
        other = [n for n in event if kept.get(n, storable)(event[n]) != kept.get(n, lambda value: value)(row.get(n))]
        if other: self.tell(index, event["id"], "the list says something else: " + ", ".join(other), False)
    def damage(self, d):
        self.place(d["index"])
        self.tell(d["index"], event_of(d, d["sequence"]), "cannot be read: " + d["reason"])
        self.chains.setdefault(d["worker"] + "/" + d["boot"], {"open": {}}).update(next=d["sequence"] + len(d["leaves"]), mac=None, link=[], at=None)
        for leaf in d["leaves"]: self.tree.append(bytes.fromhex(leaf))
    def compare_kept(self):
        if not self.lost and any(size == self.tree.size and root != self.tree.root() for size, root in self.kept) and not self.named(self.signed, self.tree.size):
            self.tell(self.signed, None, "the first %d entries are not those of the kept checkpoint" % self.tree.size)
    def checkpoint(self, line):
        read, size, self.checkpoints = read_checkpoint(line["note"], self.key), self.tree.size, self.checkpoints + 1
        if isinstance(read, str): self.tell(self.signed, None, "a checkpoint is not good: " + read, False)
        elif read[0] != size:
            self.lost = self.tell(min(size, read[0]), None, "a checkpoint of %d entries stands after %d" % (read[0], size), read[0] > size) or self.lost or read[0] > size
        elif not self.lost and read[1] != self.tree.root():
            self.lost = self.named(self.signed, size) or not self.tell(self.signed, None, "one of the entries up to %d is not the one that was signed" % (size - 1))
        elif not self.lost: self.signed = size
    def finish(self):
        size = self.tree.size
        for name, chain in self.chains.items():
            worker, _, boot = name.partition("/")
            if chain["link"] and not self.explained(chain): self.tell(*chain["at"], "the MAC of its link is missing")
            count, at = self.ended.get(name, (None, None))
            if count is not None and chain["next"] != count: self.tell(at, None, "%s ended after %d entries, %s are here" % (name, count, chain["next"]))
            for sequence, begun in (each for each in chain["open"].items() if each[1]["row"] is not None or (count is not None and not self.named(each[1]["index"], float("inf")))):
                ending = dict(timeMs=begun["timeMs"], decision="allow", reason="INTERRUPTED", rule=begun["rule"], status=0, latencyMs=0, requestBytes=0, responseBytes=0, secrets=list(dict.fromkeys(begun["secrets"])), findings=[])
                self.compare(worker, boot, sequence, begun, ending, begun["index"], begun["row"])
        if self.end != size: self.tell(size, None, "the end of the export is missing")
        if any(kept > size for kept, _ in self.kept): self.tell(size, None, "a kept checkpoint covers more entries than there are")
        if not self.lost and self.signed < size and not self.named(self.signed, size + 1): self.tell(self.signed, None, "no good checkpoint covers the entries from here on", False)
        if self.head and not self.head["isPart"] and (self.pruned != self.head["start"]["size"] or self.head["rowsFromMs"] > self.rows_pruned): self.tell(self.head["start"]["size"], None, "no entry says that what was before went by retention")
def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    for name in ("export", "--key", "--mac-key-file"): parser.add_argument(name)
    given = (parser.add_argument("--checkpoint", action="append", default=[]), parser.parse_args())[1]
    mac_key = bytes.fromhex(open(given.mac_key_file).read().strip()) if given.mac_key_file else None
    verifier = Verifier(given.key, mac_key, [open(path, encoding="utf-8").read() for path in given.checkpoint])
    for line in open(given.export, encoding="utf-8"): verifier.read(line)
    verifier.finish()
    for index, event, what, _ in sorted(verifier.faults, key=lambda fault: fault[0])[:20]: print("BAD entry %d%s: %s" % (index, " (%s)" % event if event else "", what))
    print("%d entries, %d checkpoints, MACs %s: %s" % (verifier.tree.size - (verifier.head or {"start": {"size": 0}})["start"]["size"], verifier.checkpoints, "checked" if mac_key else "not checked", "%d faults" % verifier.count if verifier.faults else "sound"))
    sys.exit(1 if verifier.faults else 0)
if __name__ == "__main__": main()
