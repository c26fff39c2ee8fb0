"""A stand-in for the worker process: speaks the same lines, and misbehaves as it is told.

``argv[1]`` says how it starts; the user's message says what becomes of a request.
"""

import json
import signal
import sys
import threading

COUNTS = {"prompt_tokens": 3, "completion_tokens": 1, "reused_tokens": 2}
"""What every request is said to have taken."""


def send(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def answer(request):
    said = request["messages"][-1][1]
    number = request["id"]
    match said:
        case "die":
            sys.exit(9)
        case "garbage":
            sys.stdout.write("this is no event\n")
            sys.stdout.flush()
        case "stall" | "hold":
            send(event="text", id=number, text="one")
        case "long":
            send(event="error", id=number, kind="long", reason="The prompt is too long.")
        case _:
            send(event="text", id=number, text=said)
            send(event="done", id=number, finish="stop", **COUNTS)
    return number if said == "hold" else None


def main(mode):
    sys.stderr.write("the child says hello\n")
    if mode == "crash":
        sys.exit(3)
    if mode == "never":
        threading.Event().wait()
    if mode == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    send(event="ready", context=512)
    held = None
    for line in sys.stdin:
        request = json.loads(line)
        match request["op"]:
            case "generate":
                held = answer(request)
            case "count":
                send(event="counts", id=request["id"], counts=[len(text.split()) for text in request["texts"]])
            case "cancel" if held == request["id"]:
                send(event="done", id=held, finish="cancelled", **COUNTS)
    if mode == "deaf":
        threading.Event().wait()


main(sys.argv[1])
