// Decodes Sparkplug B payloads with Eclipse Tahu's own decoder: one base64 line in, one line of JSON out.
const { get } = require("sparkplug-payload");
const readline = require("readline");

const tahu = get("spBv1.0");
const plain = (_key, value) =>
  value !== null && typeof value === "object" && "low" in value && "high" in value && "unsigned" in value
    ? Number(BigInt.asIntN(64, (BigInt(value.high) << 32n) | BigInt(value.low >>> 0)))
    : value;

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { at, payload } = JSON.parse(line);
  let decoded;
  try {
    decoded = { at, payload: tahu.decodePayload(Buffer.from(payload, "base64")) };
  } catch (error) {
    decoded = { at, error: String(error) };
  }
  process.stdout.write(JSON.stringify(decoded, plain) + "\n");
});
