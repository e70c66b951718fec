"""A bucket of an S3-compatible server: moto's, which checks signatures and rights, behind a door of our own that can
fail. `Bucket` is used as a context manager."""

import http.client
import http.server
import os
import socket
import subprocess
import sys
import threading
import time

import boto3
import botocore.config

NAME = "cold-turns"
PLAIN = "cold-without-versions"  # where versions were never asked for
RIGHTS = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
LOCAL = botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Door(http.server.BaseHTTPRequestHandler):
    """Hands each request on as it came; `faults` (method → list of what happens to the next ones) comes before that:
    a status with headers; "cut": half of the body is read, then the connection is gone; "hang": nothing is answered until
    the door is reset."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        faults = self.server.faults.get(self.command, [])
        fault = faults.pop(0) if faults else None
        self.server.asked.append((self.command, self.path))
        if self.server.dead:
            self.close_connection = True
            return
        if fault == "hang":
            self.server.released.wait(120)
            self.close_connection = True
            return
        if fault == "cut":
            self.rfile.read(length // 2)
            self.close_connection = True
            return
        body = self.rfile.read(length)
        if fault:
            status, headers, text = fault
            return self.answer(status, headers, text)
        c = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=30)
        c.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            c.putheader(name, value)
        c.endheaders(body)
        r = c.getresponse()
        data = r.read()
        drop = {"transfer-encoding", "content-length", "connection"}
        headers = {k: v for k, v in r.getheaders() if k.lower() not in drop}
        self.answer(r.status, headers, data, int(r.getheader("Content-Length") or len(data)))
        c.close()

    def answer(self, status, headers, data, length=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = handle_one


class Bucket:
    def __enter__(self):
        self.behind = free_port()
        env = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "4"}
        self.moto = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(self.behind)], env=env,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()
        any_keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1",
                    "endpoint_url": f"http://127.0.0.1:{self.behind}", "config": LOCAL}
        iam = boto3.client("iam", **any_keys)
        iam.create_user(UserName="cairn")
        key = iam.create_access_key(UserName="cairn")["AccessKey"]
        iam.put_user_policy(UserName="cairn", PolicyName="all", PolicyDocument=RIGHTS)
        self.keys = {"CAIRN_COLD_KEY_ID": key["AccessKeyId"], "CAIRN_COLD_KEY": key["SecretAccessKey"]}
        self.s3 = boto3.client("s3", **{**any_keys, "aws_access_key_id": key["AccessKeyId"],
                                        "aws_secret_access_key": key["SecretAccessKey"]})
        self.s3.create_bucket(Bucket=NAME)
        self.s3.create_bucket(Bucket=PLAIN)
        self.open_door(free_port())
        return self

    def open_door(self, port, tls=None):
        """tls: an SSLContext of the server's side."""
        self.door = http.server.ThreadingHTTPServer(("127.0.0.1", port), Door)
        if tls:
            self.door.socket = tls.wrap_socket(self.door.socket, server_side=True)
            self.door.handle_error = lambda *args: None  # a client that goes away is what is tested
        self.door.daemon_threads = True
        self.door.behind, self.door.faults, self.door.asked = self.behind, {}, []
        self.door.dead, self.door.released = False, threading.Event()
        self.port = port
        threading.Thread(target=self.door.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close_door(self):
        self.door.dead = True  # for connections that are kept
        self.door.shutdown()
        self.door.server_close()

    def wait(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self.moto.poll() is None, "moto did not start"
            try:
                socket.create_connection(("127.0.0.1", self.behind), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("moto did not listen")

    def __exit__(self, *what):
        self.close_door()
        self.moto.kill()
        self.moto.wait()

    def reset(self):
        """Empties the bucket, with every version."""
        self.door.released.set()
        self.door.faults, self.door.asked, self.door.released = {}, [], threading.Event()
        self.s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Suspended"})
        while gone := [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in self.versions()]:
            self.s3.delete_objects(Bucket=NAME, Delete={"Objects": gone[:1000]})

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def versions(self):
        r = self.s3.list_object_versions(Bucket=NAME)
        return r.get("Versions", []) + r.get("DeleteMarkers", [])

    def names(self, bucket=NAME):
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def get(self, name):
        return self.s3.get_object(Bucket=NAME, Key=name)["Body"].read()

    def put(self, name, data):
        self.s3.put_object(Bucket=NAME, Key=name, Body=data)
