// Calls of the API, and readings on their way to it: a reading stays in the browser's store until the server has it.

const OUTBOX = "lineside.verify.outbox";
const RETRY_MS = [300, 1000, 2000, 5000];
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The server has not answered, or asks to come again: nothing is known of what became of the call. */
class Unanswered extends Error {}

/** Nobody is logged in any more. */
export class LoggedOut extends Error {}

export class Calls {
  /** @param {(isLost: boolean) => void} onConnection told when the server cannot be reached, and when it can again */
  constructor(onConnection) {
    this.onConnection = onConnection;
    this.csrf = "";
    this.keyId = "";
  }

  /** Who is logged in. */
  async open() {
    const { body } = await this.send("GET", "/v1/session");
    this.csrf = body.csrf_token ?? "";
    this.keyId = body.key_id;
    return body;
  }

  /** One call, made until it is answered: every call here may be made twice. */
  async send(method, path, content = null) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await this.once(method, path, content);
        this.onConnection(false);
        return answer;
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        this.onConnection(true);
        await wait(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
      }
    }
  }

  async once(method, path, content) {
    const headers = { "Lineside-CSRF": this.csrf };
    if (content !== null) headers["Content-Type"] = "application/json";
    let response;
    let text;
    try {
      const body = content === null ? undefined : JSON.stringify(content);
      response = await fetch(path, { method, headers, body, cache: "no-store" });
      text = await response.text();
    } catch (error) {
      throw new Unanswered(String(error));
    }
    if (response.status === 401) throw new LoggedOut();
    if (response.status === 429 || response.status >= 500) throw new Unanswered(`status ${response.status}`);
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  }

  /** Keep a reading in the browser, then hand it in. */
  async handIn(claimId, reading) {
    localStorage.setItem(OUTBOX, JSON.stringify([...outbox(), { keyId: this.keyId, claimId, reading }]));
    return (await this.flush()).find((answer) => answer.claimId === claimId);
  }

  /** Hand in all that an earlier page could not, of whoever is logged in: what others said waits for them. */
  async flush() {
    const answers = [];
    for (const { claimId, reading } of outbox().filter((entry) => entry.keyId === this.keyId)) {
      const answer = await this.send("PUT", `/v1/verification/claims/${claimId}/reading`, reading);
      localStorage.setItem(OUTBOX, JSON.stringify(outbox().filter((other) => other.claimId !== claimId)));
      answers.push({ claimId, ...answer });
    }
    return answers;
  }
}

function outbox() {
  return JSON.parse(localStorage.getItem(OUTBOX) ?? "[]");
}
