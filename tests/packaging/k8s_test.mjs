// k8s_test.mjs NODE_MODULES_PARENT MANIFESTS COMPOSE: run by k8s_test.sh.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

const [modules, manifestsFile, composeFile] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const yaml = require("js-yaml");
const client = await import(require.resolve("@kubernetes/client-node"));

const manifests = yaml.loadAll(readFileSync(manifestsFile, "utf8"));
const of = (kind) => manifests.filter((manifest) => manifest.kind === kind);
const daemonSet = of("DaemonSet")[0];
const pod = daemonSet.spec.template.spec;
const container = (name) => [...pod.initContainers, ...pod.containers].find((c) => c.name === name);
const environment = (name) => container("agent").env.find((variable) => variable.name === name);

/// The client's class for an object of this kind, e.g. V1DaemonSet.
function modelOf({ apiVersion, kind }) {
  const version = apiVersion.split("/").at(-1);
  return version[0].toUpperCase() + version.slice(1) + kind;
}

/// Keys that the client's classes do not know, as paths.
function unknownKeys(value, type, path) {
  const list = /^(?:Array|Set)<(.*)>$/.exec(type);
  if (list) return value.flatMap((item, i) => unknownKeys(item, list[1], `${path}[${i}]`));
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map) {
    return Object.entries(value).flatMap(([key, item]) => unknownKeys(item, map[1], `${path}.${key}`));
  }
  const model = client[type];
  if (!model?.getAttributeTypeMap) return [];
  const attributes = new Map(model.getAttributeTypeMap().map((a) => [a.baseName, a.type]));
  return Object.entries(value).flatMap(([key, item]) =>
    attributes.has(key)
      ? unknownKeys(item, attributes.get(key), `${path}.${key}`)
      : [`${path}.${key}`],
  );
}

/// Quantities such as 64Mi, in bytes.
const bytes = (quantity) => {
  const [, number, unit] = /^(\d+)(Ki|Mi|Gi|kb|mb|k|m)?$/.exec(quantity);
  const factors = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, k: 2 ** 10, m: 2 ** 20, kb: 2 ** 10, mb: 2 ** 20 };
  return Number(number) * (factors[unit] ?? 1);
};

test("each object satisfies Kubernetes' schema", () => {
  for (const manifest of manifests) {
    const model = require(`kubernetes-models/${manifest.apiVersion}/${manifest.kind}`)[manifest.kind];
    new model(manifest).validate();
  }
});

test("there is no key that Kubernetes does not know", () => {
  for (const manifest of manifests) {
    assert.ok(client[modelOf(manifest)], manifest.kind);
    assert.deepEqual(unknownKeys(manifest, modelOf(manifest), manifest.kind), []);
  }
});

test("these checks find a misspelt key and a wrong type", () => {
  const broken = structuredClone(daemonSet);
  broken.spec.template.spec.containers[0].readOnly = true;
  assert.deepEqual(unknownKeys(broken, "V1DaemonSet", "DaemonSet"), [
    "DaemonSet.spec.template.spec.containers[0].readOnly",
  ]);
  broken.spec.template.spec.terminationGracePeriodSeconds = "soon";
  const { DaemonSet } = require("kubernetes-models/apps/v1/DaemonSet");
  assert.throws(() => new DaemonSet(broken).validate());
});

test("all but the namespace and the cluster's role are in the namespace", () => {
  const [namespace] = of("Namespace");
  for (const manifest of manifests) {
    if (!/^(Namespace|ClusterRole|ClusterRoleBinding)$/.test(manifest.kind)) {
      assert.equal(manifest.metadata.namespace, namespace.metadata.name, manifest.kind);
    }
  }
  assert.equal(of("ClusterRoleBinding")[0].subjects[0].namespace, namespace.metadata.name);
});

test("the agent may read nodes/stats and nothing else", () => {
  assert.deepEqual(of("ClusterRole").map((role) => role.rules), [
    [{ apiGroups: [""], resources: ["nodes/stats"], verbs: ["get"] }],
  ]);
  assert.equal(of("Role").length, 0);
  const [binding] = of("ClusterRoleBinding");
  assert.equal(binding.roleRef.name, of("ClusterRole")[0].metadata.name);
  assert.equal(binding.subjects[0].name, of("ServiceAccount")[0].metadata.name);
  assert.equal(pod.serviceAccountName, binding.subjects[0].name);
});

test("only the agent's container holds the token and the key", () => {
  assert.equal(pod.automountServiceAccountToken, false);
  const mounts = (name) => container(name).volumeMounts.map((mount) => mount.name);
  for (const secret of ["token", "api-key"]) {
    assert.ok(mounts("agent").includes(secret));
    assert.ok(!mounts("redis").includes(secret) && !mounts("data").includes(secret));
  }
});

test("the key comes as a file from the secret, which the manifests do not name in clear", () => {
  const [secret] = of("Secret");
  const volume = pod.volumes.find((v) => v.name === "api-key");
  assert.equal(volume.secret.secretName, secret.metadata.name);
  const mount = container("agent").volumeMounts.find((m) => m.name === "api-key");
  assert.equal(environment("API_KEY_FILE").value, `${mount.mountPath}/${Object.keys(secret.data)[0]}`);
  assert.equal(environment("API_KEY"), undefined);
  // Files of the projected kinds are root's: the group must be allowed to read them.
  assert.equal(volume.secret.defaultMode, 0o440);
  assert.equal(pod.securityContext.fsGroup, container("agent").securityContext.runAsGroup);
});

test("settings come from the map that kustomize makes", () => {
  const [map] = of("ConfigMap");
  assert.equal(container("agent").envFrom[0].configMapRef.name, map.metadata.name);
  assert.deepEqual(JSON.parse(map.data.COLLECTOR_PLUGINS), ["host", "k8s"]);
});

test("the node tells its address and name", () => {
  assert.equal(environment("NODE_IP").valueFrom.fieldRef.fieldPath, "status.hostIP");
  assert.equal(environment("K8S_STATS_SERVICE_IP").value, "$(NODE_IP)");
  // A variable can use those before it only.
  const names = container("agent").env.map((variable) => variable.name);
  assert.ok(names.indexOf("NODE_IP") < names.indexOf("K8S_STATS_SERVICE_IP"));
  assert.equal(environment("HOST").valueFrom.fieldRef.fieldPath, "spec.nodeName");
});

test("the probes ask where the agent listens", () => {
  const { livenessProbe, readinessProbe, ports } = container("agent");
  const http = ports.find((port) => port.name === "http");
  assert.equal(livenessProbe.httpGet.path, "/live");
  assert.equal(readinessProbe.httpGet.path, "/ready");
  for (const probe of [livenessProbe, readinessProbe]) assert.equal(probe.httpGet.port, http.name);
  assert.equal(environment("HTTP_LISTEN").value, `0.0.0.0:${http.containerPort}`);
});

test("containers satisfy the restricted Pod Security Standard but for the one that hands over the folder", () => {
  assert.equal(pod.securityContext.runAsNonRoot, true);
  assert.equal(pod.securityContext.seccompProfile.type, "RuntimeDefault");
  for (const host of ["hostNetwork", "hostPID", "hostIPC"]) assert.ok(!pod[host], host);
  for (const { name, securityContext: context, ports = [] } of [...pod.initContainers, ...pod.containers]) {
    assert.equal(context.allowPrivilegeEscalation, false, name);
    assert.equal(context.readOnlyRootFilesystem, true, name);
    assert.deepEqual(context.capabilities.drop, ["ALL"], name);
    assert.ok(!context.privileged, name);
    assert.ok(ports.every((port) => port.hostPort === undefined), name);
    if (name === "data") {
      assert.deepEqual(context.capabilities.add, ["CHOWN"]);
    } else {
      assert.ok(context.runAsUser > 0, name);
      assert.equal(context.capabilities.add, undefined, name);
    }
  }
});

test("the node's own folders are mounted read-only", () => {
  const paths = new Map(pod.volumes.filter((v) => v.hostPath).map((v) => [v.name, v.hostPath.path]));
  for (const { name, volumeMounts } of [...pod.initContainers, ...pod.containers]) {
    for (const mount of volumeMounts) {
      if (paths.has(mount.name) && mount.name !== "data") assert.equal(mount.readOnly, true, `${name} ${mount.name}`);
    }
  }
  for (const [variable, volume] of [["HOST_PROC", "proc"], ["HOST_SYS", "sys"], ["HOST_MOUNT_PREFIX", "root"]]) {
    const mount = container("agent").volumeMounts.find((m) => m.name === volume);
    assert.equal(environment(variable).value, mount.mountPath);
  }
});

test("two Redis never share the data", () => {
  assert.equal(daemonSet.spec.updateStrategy.type, "RollingUpdate");
  assert.equal(daemonSet.spec.updateStrategy.rollingUpdate.maxSurge, 0);
});

test("applications reach the Redis of their own node, whatever the agent's state is", () => {
  const [{ spec }] = of("Service");
  assert.equal(spec.internalTrafficPolicy, "Local");
  assert.equal(spec.publishNotReadyAddresses, true);
  for (const [key, value] of Object.entries(spec.selector)) {
    assert.equal(daemonSet.spec.template.metadata.labels[key], value);
  }
  assert.deepEqual(daemonSet.spec.selector.matchLabels, spec.selector);
  assert.equal(container("redis").ports.find((p) => p.name === spec.ports[0].targetPort).containerPort, spec.ports[0].port);
});

test("Redis keeps what it is given, and has room for it", () => {
  const command = container("redis").command;
  const option = (name) => command[command.indexOf(name) + 1];
  assert.equal(option("--appendonly"), "yes");
  assert.equal(option("--maxmemory-policy"), "noeviction");
  assert.equal(option("--save"), "");
  // Twice maxmemory while the file is rewritten, and buffers.
  assert.ok(bytes(container("redis").resources.limits.memory) > 2 * bytes(option("--maxmemory")));
});

test("limits and numbers are those of compose.yaml", () => {
  const compose = yaml.load(readFileSync(composeFile, "utf8"));
  for (const name of ["agent", "redis"]) {
    assert.equal(bytes(container(name).resources.limits.memory), bytes(compose.services[name].mem_limit), name);
  }
  const words = compose.services.redis.command.replace('""', "").split(/\s+/);
  for (const word of words.filter(Boolean)) assert.ok(container("redis").command.includes(word), word);
  const [, records] = /:-(\d+)/.exec(compose.services.agent.environment.QUEUE_MAX_RECORDS);
  assert.equal(of("ConfigMap")[0].data.QUEUE_MAX_RECORDS, records);
});
