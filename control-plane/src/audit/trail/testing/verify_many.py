"""Verifies many exports that differ in little from one whole, each as verify_audit.py does it.

usage: verify_many.py VERIFY_AUDIT WHOLE
On standard input a JSON object a line: {"key", "macKey", "kept", "lines": ["text" | [from, to], ...]}, numbers being those of lines of
the whole. On standard output for each {"index": of the first fault or null}. What an export has in common with the whole at its
beginning is verified once: a copy of the verifier as it was there goes on. A signature is a function of its bytes: it is computed once.
"""
import copy, functools, importlib.util, json, sys

steps = 32
spec = importlib.util.spec_from_file_location("verify_audit", sys.argv[1])
script = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(script)
script.is_signed = functools.lru_cache(None)(script.is_signed)
script.point = functools.lru_cache(None)(script.point)
sys.stdin.reconfigure(encoding="utf-8")
with open(sys.argv[2], encoding="utf-8") as file:
    whole = file.readlines()
places = {}
for asked in sys.stdin:
    asked = json.loads(asked)
    known = (asked["key"], asked["macKey"], tuple(asked["kept"]))
    if known not in places:
        verifier = script.Verifier(asked["key"], bytes.fromhex(asked["macKey"]) if asked["macKey"] else None, asked["kept"])
        places[known] = []
        for at, line in enumerate(whole):
            if at % (len(whole) // steps + 1) == 0:
                places[known].append((at, copy.deepcopy(verifier)))
            verifier.read(line)
    pieces = asked["lines"]
    common = pieces[0][1] if pieces and isinstance(pieces[0], list) and pieces[0][0] == 0 else 0
    start, verifier = max((place for place in places[known] if place[0] <= common), key=lambda place: place[0])
    verifier, at = copy.deepcopy(verifier), 0
    for piece in pieces:
        for line in whole[slice(*piece)] if isinstance(piece, list) else [piece]:
            if at >= start:
                verifier.read(line)
            at += 1
    verifier.finish()
    print(json.dumps({"index": min((fault[0] for fault in verifier.faults), default=None)}), flush=True)
