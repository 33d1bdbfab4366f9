"""Does a probe as the kubelet does, in the pod's network: k8s_probe.py PROBES CONTAINER KIND

PROBES is k8s_pod.mjs's. Exit code 0: the probe succeeds.
"""

import json
import socket
import sys
import urllib.request

path, container, kind = sys.argv[1:]
with open(path) as file:
    probes = {(probe["container"], probe["kind"]): probe for probe in json.load(file)}
probe = probes[container, kind + "Probe"]
try:
    if "path" in probe:
        url = f"http://127.0.0.1:{probe['port']}{probe['path']}"
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        direct.open(url, timeout=probe["timeout"]).read()
    else:
        socket.create_connection(("127.0.0.1", probe["port"]), timeout=probe["timeout"]).close()
except OSError as error:
    sys.exit(f"{container}: {kind}: {error}")
