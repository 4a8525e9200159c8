// An OPC UA client (node-opcua) that does what it is told: one JSON command a line in, one JSON answer a line out.
// Events of a subscription come as lines of their own: {"subscription": name, "fields": {...}}.
"use strict";
const readline = require("node:readline");
const opcua = require("node-opcua-client");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");

const sessions = new Map();

function plain(value) {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return value.toString("hex");
  if (value instanceof opcua.NodeId) return value.toString();
  if (value instanceof opcua.Variant) return plain(value.value);
  if (value instanceof opcua.LocalizedText) return value.text;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value, plain);
  if (typeof value === "object") {
    const made = { type: value.constructor.name };
    for (const [name, part] of Object.entries(value)) {
      if (typeof part !== "function" && !name.startsWith("_") && !name.startsWith("$")) made[name] = plain(part);
    }
    return made;
  }
  return value;
}

async function argument(session, given) {
  if (given.structure === undefined) {
    const array = Array.isArray(given.value);
    return {
      dataType: opcua.DataType[given.type],
      value: given.value,
      ...(array ? { arrayType: opcua.VariantArrayType.Array } : {}),
    };
  }
  const value = await built(session, given);
  return { dataType: opcua.DataType.ExtensionObject, value };
}

// {"structure": node id of a data type, "value": {field: plain value or another structure or an array of those}}
async function built(session, given) {
  if (Array.isArray(given)) return Promise.all(given.map((each) => built(session, each)));
  if (given === null || typeof given !== "object") return given;
  if (given.variant !== undefined) return { dataType: opcua.DataType[given.variant], value: given.value };
  const fields = {};
  for (const [name, part] of Object.entries(given.value)) fields[name] = await built(session, part);
  return session.constructExtensionObject(opcua.resolveNodeId(given.structure), fields);
}

const commands = {
  async connect({ session, endpoint, policy, mode, user, password, certificate, key, uri, folder }) {
    const manager = new OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: true });
    await manager.initialize();
    const client = opcua.OPCUAClient.create({
      applicationName: "node-opcua",
      applicationUri: uri,
      certificateFile: certificate,
      privateKeyFile: key,
      clientCertificateManager: manager,
      connectionStrategy: { maxRetry: 0, initialDelay: 100 },
      endpointMustExist: false,
      securityMode: opcua.MessageSecurityMode[mode || "SignAndEncrypt"],
      securityPolicy: opcua.SecurityPolicy[policy || "Basic256Sha256"],
    });
    try {
      await client.connect(endpoint);
      const identity = user
        ? { type: opcua.UserTokenType.UserName, userName: user, password }
        : { type: opcua.UserTokenType.Anonymous };
      const made = await client.createSession(identity);
      sessions.set(session, { client, session: made, manager });
      return { namespaces: await made.readNamespaceArray() };
    } catch (error) {
      await client.disconnect();
      await manager.dispose();
      throw error;
    }
  },

  async endpoints({ endpoint }) {
    const client = opcua.OPCUAClient.create({ endpointMustExist: false, connectionStrategy: { maxRetry: 0 } });
    await client.connect(endpoint);
    const found = await client.getEndpoints();
    await client.disconnect();
    return found.map((each) => ({
      policy: each.securityPolicyUri,
      mode: opcua.MessageSecurityMode[each.securityMode],
      logins: each.userIdentityTokens.map((token) => opcua.UserTokenType[token.tokenType]),
    }));
  },

  async disconnect({ session }) {
    const open = sessions.get(session);
    sessions.delete(session);
    await open.session.close();
    await open.client.disconnect();
    await open.manager.dispose();
    return null;
  },

  async read({ session, nodes }) {
    const read = await sessions.get(session).session.read(nodes.map((nodeId) => ({ nodeId, attributeId: 13 })));
    return read.map((each) => ({ status: each.statusCode.name, value: plain(each.value) }));
  },

  async write({ session, node, type, value, attribute }) {
    const status = await sessions.get(session).session.write({
      nodeId: node,
      attributeId: attribute || 13,
      value: { value: { dataType: opcua.DataType[type], value } },
    });
    return status.name;
  },

  async browse({ session, node }) {
    const found = await sessions.get(session).session.browse({ nodeId: node, resultMask: 63 });
    return found.references.map((each) => ({ name: each.browseName.name, node: each.nodeId.toString() }));
  },

  async call({ session, object, method, inputs }) {
    const open = sessions.get(session).session;
    const inputArguments = [];
    for (const given of inputs) inputArguments.push(await argument(open, given));
    const called = await open.call({ objectId: object, methodId: method, inputArguments });
    return { status: called.statusCode.name, outputs: (called.outputArguments || []).map(plain) };
  },

  async subscribe({ session, name, node, event, fields }) {
    const open = sessions.get(session);
    const subscription = await open.session.createSubscription2({
      requestedPublishingInterval: 20,
      requestedMaxKeepAliveCount: 100,
      requestedLifetimeCount: 1000,
      publishingEnabled: true,
    });
    const filter = opcua.constructEventFilter(fields, opcua.ofType(event));
    const item = await subscription.monitor(
      { nodeId: node, attributeId: opcua.AttributeIds.EventNotifier },
      { samplingInterval: 0, discardOldest: true, queueSize: 1000, filter },
      opcua.TimestampsToReturn.Both,
    );
    item.on("changed", (values) => {
      const told = Object.fromEntries(fields.map((field, index) => [field, plain(values[index])]));
      process.stdout.write(`${JSON.stringify({ subscription: name, fields: told })}\n`);
    });
    return { status: item.statusCode.name };
  },
};

let last = Promise.resolve();
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const command = JSON.parse(line);
  last = last.then(async () => {
    let answer;
    try {
      answer = { answer: await commands[command.do](command) };
    } catch (error) {
      answer = { error: String(error.message || error) };
    }
    process.stdout.write(`${JSON.stringify({ id: command.id, ...answer })}\n`);
  });
}).on("close", () => last.then(() => process.exit(0)));
