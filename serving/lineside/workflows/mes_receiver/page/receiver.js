// The receiver's page: asks its own server each second, and sends orders and holds to it.

const { language, texts, connected } = JSON.parse(document.getElementById("page").textContent);
const EVERY_MS = 1000;
const byId = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const figure = new Intl.NumberFormat(language);
const time = (text) => clock.format(new Date(text));
const word = (name) => texts[name] ?? name;

/** An element of text or other elements: never of markup that came with a message. */
function el(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.map((child) => (child === null || child === undefined ? "–" : child)));
  return made;
}

const cell = (content, className) => el("td", className, content);
const chip = (name) => el("span", `ls-chip ${name}`, word(name));

function defects(found) {
  const size = (each) => (each.size_mm === null || each.size_mm === undefined ? "" : ` ${each.size_mm.toFixed(2)} mm`);
  return found.map((each) => `${each.class_name}${size(each)}`).join(", ");
}

const ROWS = {
  results: (each) => [
    cell(time(each.judged_at), "t"), cell(each.part_id), cell(each.station), cell(String(each.attempt), "n"),
    cell(chip(each.verdict)), cell(each.order_id),
  ],
  failed: (each) => [
    cell(time(each.judged_at), "t"), cell(el("b", "", each.part_id)), cell(each.station), cell(defects(each.defects)),
    cell(each.lot), cell(each.disposition === null ? null : word(each.disposition), "t"),
  ],
  orders: (each) => [
    cell(el("b", "", each.order_id)), cell(each.station), cell(each.product), cell(each.lot),
    cell(each.quantity === null ? null : figure.format(each.quantity), "n"),
    cell(["OK", "NG", "NOT_INSPECTED"].map((verdict) => figure.format(each.judged[verdict] ?? 0)).join(" / "), "n"),
    cell(chip(each.state)),
  ],
  holds: (each) => [
    cell(chip(each.state)), cell(each.station), cell(each.lot), cell(each.reason), cell(each.changed_by),
    cell(time(each.at), "t"), cell(releaseButton(each)),
  ],
};

function releaseButton(hold) {
  if (hold.state !== "held" || hold.hold_id === null || !connected) return "";
  const button = el("button", "", texts.release);
  button.type = "button";
  button.addEventListener("click", async () => {
    const reason = prompt(texts.release_reason);
    if (reason) await send(`/api/holds/${encodeURIComponent(hold.hold_id)}/release`, { reason }, byId("hold-said"));
  });
  return button;
}

let shown = "";

function show(board) {
  const text = JSON.stringify(board);
  if (text === shown) return;
  shown = text;
  const { messages, verdicts } = board;
  for (const [id, count] of [["n-ok", verdicts.OK], ["n-ng", verdicts.NG], ["n-ni", verdicts.NOT_INSPECTED],
    ["n-messages", messages.stored], ["n-repeats", messages.repeats]]) byId(id).textContent = figure.format(count ?? 0);
  byId("last").textContent = messages.last_received_at === null ? "–" : time(messages.last_received_at);
  byId("begin").hidden = messages.stored > 0;
  for (const [name, row] of Object.entries(ROWS)) {
    const body = byId(name);
    body.replaceChildren(...board[name].map((each) => el("tr", "", ...row(each))));
    body.closest("table").hidden = board[name].length === 0;
    byId(`${name}-empty`).hidden = board[name].length > 0;
  }
}

async function refresh() {
  try {
    const answer = await fetch("/api/board", { cache: "no-store" });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
    byId("lost").hidden = true;
  } catch {
    byId("lost").hidden = false;
  }
  setTimeout(refresh, EVERY_MS);
}

/** A problem in words: a sentence, or what is wrong with each field. */
function words(detail) {
  if (typeof detail === "string") return detail;
  return detail.map((each) => `${each.loc.slice(1).join(".")} ${each.msg}`.trim()).join("; ");
}

async function send(path, content, said) {
  let problem = null;
  try {
    const answer = await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
    });
    if (!answer.ok) problem = words((await answer.json()).detail);
  } catch (error) {
    problem = String(error);
  }
  said.textContent = problem === null ? texts.sent : problem;
  said.classList.toggle("bad", problem !== null);
  said.hidden = false;
  return problem === null;
}

/** A form's fields, without those that were left empty. */
function filled(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
}

byId("order").addEventListener("submit", async (event) => {
  event.preventDefault();
  const order = filled(event.target);
  for (const name of ["quantity", "from_encoder"]) if (order[name]) order[name] = Number(order[name]);
  if (await send("/api/orders", order, byId("order-said"))) event.target.elements.order_id.value = "";
});

const hold = byId("hold");
hold.elements.what.addEventListener("change", () => {
  const isLot = hold.elements.what.value === "lot";
  hold.querySelector(".for-station").hidden = isLot;
  hold.querySelector(".for-lot").hidden = !isLot;
});
hold.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { what, reason, ...fields } = filled(hold);
  if (await send("/api/holds", { [what]: fields[what] ?? "", reason }, byId("hold-said"))) hold.elements.reason.value = "";
});

async function stations() {
  const answer = await fetch("/api/stations", { cache: "no-store" });
  if (!answer.ok) return setTimeout(stations, 5 * EVERY_MS);
  const found = (await answer.json()).items;
  for (const select of document.querySelectorAll("select[name=station]")) {
    select.replaceChildren(...found.map((each) => new Option(`${each.line} / ${each.id}`, each.id)));
  }
  const products = new Set(found.map((each) => each.product).filter((product) => product !== null));
  byId("products").replaceChildren(...[...products].map((product) => new Option(product)));
}

if (connected) {
  stations();
} else {
  for (const field of document.querySelectorAll(".fields :is(input, select, button)")) field.disabled = true;
  for (const id of ["order-said", "hold-said"]) {
    byId(id).textContent = texts.not_connected;
    byId(id).classList.add("bad");
    byId(id).hidden = id === "hold-said";
  }
}
refresh();
