"""An MCP server behind a login, and the authorization server that guards it, in one process on a thread.

Tokens are good for one tools/call; then they have to be refreshed.
"""
import base64
import hashlib
import http.server
import json
import threading
import urllib.parse


class Guarded(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.challenge = None
        self.good = None
        self.issued = []
        self.grants = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, body, status=200, **headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        issuer = self.server.issuer
        path, _, query = self.path.partition("?")
        if path == "/.well-known/oauth-protected-resource/mcp":
            self.say({"resource": issuer + "/mcp", "authorization_servers": [issuer], "scopes_supported": ["tasks"]})
        elif path == "/.well-known/oauth-authorization-server":
            self.say({"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
                      "registration_endpoint": issuer + "/register", "code_challenge_methods_supported": ["S256"],
                      "token_endpoint_auth_methods_supported": ["none"],
                      "authorization_response_iss_parameter_supported": True})
        elif path == "/authorize":
            asked = dict(urllib.parse.parse_qsl(query))
            assert asked["scope"] == "tasks" and asked["resource"] == issuer + "/mcp", asked
            self.server.challenge = asked["code_challenge"]
            back = urllib.parse.urlencode({"code": "c1", "state": asked["state"], "iss": issuer})
            self.say({}, 302, Location=asked["redirect_uri"] + "?" + back)
        else:
            self.say({}, 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/register":
            return self.say({"client_id": "us"}, 201)
        if self.path == "/token":
            form = dict(urllib.parse.parse_qsl(body))
            self.server.grants.append(form["grant_type"])
            if form["grant_type"] == "authorization_code":
                digest = hashlib.sha256(form["code_verifier"].encode()).digest()
                assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.server.challenge
            self.server.good = f"token-{len(self.server.issued)}"
            self.server.issued.append(self.server.good)
            return self.say({"access_token": self.server.good, "token_type": "bearer", "refresh_token": "r"})
        if self.headers["Authorization"] != f"Bearer {self.server.good}":
            return self.say({"error": "invalid_token"}, 401, WWW_Authenticate="Bearer")
        request = json.loads(body)
        results = {"initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                                  "serverInfo": {"name": "guarded", "version": "1"}},
                   "tools/list": {"tools": [{"name": "hello", "inputSchema": {"type": "object"}}]},
                   "tools/call": {"content": [{"type": "text", "text": "let in"}]}}
        if "id" not in request:
            return self.say({}, 202)
        if request["method"] == "tools/call":
            self.server.good = None
        if request["method"] not in results:
            return self.say({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": "no"}})
        return self.say({"jsonrpc": "2.0", "id": request["id"], "result": results[request["method"]]})
