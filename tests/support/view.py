"""`ringback view` for tests: the process, tokens, requests.

    with view.View(town, {"view.development": "true"}) as shown:
        shown.wait_ready()
        status, headers, body = shown.get("/api/v1/callbacks")
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import time

import live
import servers

SECRET = "a secret of the tests, of 32 bytes or more"
SEE = ["analytics:conversationDetail:view", "routing:queue:view", "ui:supervisorScheduledCallbacks:view"]
CANCEL, EDIT, CAMPAIGNS = (
    "conversation:communication:disconnect", "conversation:callback:edit", "outbound:campaign:view")
ALL = SEE + [CANCEL, EDIT, CAMPAIGNS]


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def token(permissions=None, domains=("*",), queues=None, user="sup", seconds=600, **claims):
    """One by HS256."""
    payload = {"sub": user, "exp": int(time.time()) + seconds, "domains": list(domains),
               "permissions": ALL if permissions is None else permissions}
    if queues is not None:
        payload["queues"] = queues
    payload.update(claims)
    text = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(payload)
    made = hmac.new(SECRET.encode(), text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(made).rstrip(b"=")).decode()


class View:
    """One `ringback view`. Without view.development it takes tokens by HS256."""

    def __init__(self, town, options=None, environment=None):
        town.count += 1
        self.port = servers.free_port()
        self.log = os.path.join(town.folder, "view-%d.log" % town.count)
        secret = os.path.join(town.folder, "secret")
        with open(secret, "w") as file:
            file.write(SECRET + "\n")
        wanted = {"view.listen": "127.0.0.1:%d" % self.port, "view.rate": "100000",
                  "view.hs256_secret_file": secret, "log.format": "json", "log.level": "debug"}
        wanted.update(options or {})
        if wanted.get("view.development") == "true":
            del wanted["view.hs256_secret_file"]
        variables = dict(os.environ)
        variables.update(environment or {})
        self.token = token()
        with open(self.log, "ab") as file:
            self.process = subprocess.Popen(
                [town.program, "view"] + town.arguments(wanted), stdin=subprocess.DEVNULL,
                stdout=file, stderr=file, env=variables)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(20)

    def text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def ask(self, method, path, body=None, headers=None, bearer=""):
        """(status, headers, body as JSON where it is); None: nobody answers. bearer "": the own."""
        wanted = dict(headers or {})
        bearer = self.token if bearer == "" else bearer
        if bearer:
            wanted["Authorization"] = "Bearer " + bearer
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            wanted.setdefault("Content-Type", "application/json")
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            client.request(method, path, body, wanted)
            answer = client.getresponse()
            found = {key.lower(): value for key, value in answer.getheaders()}
            data = answer.read()
            if "json" in found.get("content-type", "") and "jsonl" not in found["content-type"] and data:
                data = json.loads(data)
            return answer.status, found, data
        except (ConnectionError, http.client.HTTPException, OSError):
            return None
        finally:
            client.close()

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def list(self, query="", **more):
        status, _, body = self.get("/api/v1/callbacks" + query, **more)
        if status != 200:
            raise AssertionError("%s: %d %s" % (query, status, body))
        return body

    def act(self, action, items, **more):
        """{id: (status, reason)}"""
        bearer = more.pop("bearer", "")
        body = dict(more, action=action, items=[{"domain": d, "id": i} for d, i in items])
        status, _, found = self.ask("POST", "/api/v1/actions", body, bearer=bearer)
        if status != 200:
            raise AssertionError("%s: %d %s" % (action, status, found))
        return found

    def wait_ready(self, deadline_s=30):
        def condition():
            if self.process.poll() is not None:
                raise AssertionError("the view ended with %d:\n%s" % (self.process.returncode, self.text()[-3000:]))
            answer = self.get("/readyz")
            return answer is not None and answer[0] == 200

        live.wait_until(condition, "the view is ready", deadline_s)


def campaign(index, queue_id="q1", due_ms=None, **more):
    """A campaign schedules a callback."""
    event = live.message("FlowEvent")(id="campaign-%s" % index)
    made = event.schedule_callback
    made.campaign_id = "spring"
    made.contact_id = "contact-%s" % index
    made.queue_id = queue_id
    made.number = "+4930555%04d" % (index if isinstance(index, int) else 0)
    made.callee_name = "Customer %s" % index
    made.due_ms = due_ms or int(time.time() * 1000) + 3600 * 1000
    for name, value in more.items():
        setattr(made, name, value)
    return event
