// k8s_pod.mjs NODE_MODULES_PARENT MANIFESTS FOLDER: run by k8s_test.sh. Prints the pod of the DaemonSet
// for "podman kube play", with what a cluster would have filled in; writes what the kubelet keeps for
// itself, the probes, to FOLDER/probes.json. Folders of the node are below FOLDER.

import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, manifestsFile, folder] = process.argv.slice(2);
const yaml = createRequire(`${modules}/package.json`)("js-yaml");

const manifests = yaml.loadAll(readFileSync(manifestsFile, "utf8"));
const of = (kind) => manifests.find((manifest) => manifest.kind === kind);
const { metadata, spec } = of("DaemonSet").spec.template;
const node = { "spec.nodeName": "test-node", "status.hostIP": "127.0.0.1" };

// A folder with files of a secret or token: root's, and fsGroup's to read.
function projected(name, files) {
  const path = `${folder}/${name}`;
  mkdirSync(path);
  for (const [file, content] of Object.entries(files)) {
    writeFileSync(`${path}/${file}`, content, { mode: 0o440 });
    chownSync(`${path}/${file}`, 0, spec.securityContext.fsGroup);
  }
  return { path, type: "Directory" };
}

for (const volume of spec.volumes) {
  if (volume.secret) {
    const data = Object.entries(of("Secret").data);
    volume.hostPath = projected(
      volume.name,
      Object.fromEntries(data.map(([file, text]) => [file, Buffer.from(text, "base64")])),
    );
  } else if (volume.projected) {
    volume.hostPath = projected(volume.name, { token: "a-token", "ca.crt": "" });
  } else if (volume.hostPath.type === "DirectoryOrCreate") {
    volume.hostPath.path = `${folder}/node${volume.hostPath.path}`;
    mkdirSync(volume.hostPath.path, { recursive: true });
  }
  delete volume.secret;
  delete volume.projected;
}

const probes = [];
for (const container of spec.containers) {
  const values = {};
  for (const variable of container.env ?? []) {
    if (variable.valueFrom) variable.value = node[variable.valueFrom.fieldRef.fieldPath];
    delete variable.valueFrom;
    variable.value = variable.value.replace(/\$\((\w+)\)/g, (_, name) => values[name]);
    values[variable.name] = variable.value;
  }
  // Podman would run curl within the container for them.
  for (const kind of ["livenessProbe", "readinessProbe"]) {
    const probe = container[kind];
    const asked = probe.httpGet ?? probe.tcpSocket;
    const port = container.ports.find(({ name }) => name === asked.port).containerPort;
    probes.push({ container: container.name, kind, port, path: asked.path, timeout: probe.timeoutSeconds });
    delete container[kind];
  }
  delete container.ports;  // without a network podman refuses them
}
writeFileSync(`${folder}/probes.json`, JSON.stringify(probes));

// JSON is YAML.
const pod = { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "agent" }, spec };
for (const object of [of("ConfigMap"), pod]) console.log(`---\n${JSON.stringify(object)}`);
