// The review place: one part at a time, read by keyboard or mouse.

import { amid, moved, resized } from "./boxes.js";
import { Calls, LoggedOut } from "./calls.js";
import { keyOf } from "./keys.js";
import { Panel } from "./panel.js";
import { Picture } from "./picture.js";
import { Reading } from "./reading.js";

const EMPTY_ASK_MS = 3000;
const HOLD_MS = 60000;
const IDLE_MS = 240000; // without a key or a click for so long, the part may go to somebody else
const MOST_UNDOS = 20;
const { language, texts } = JSON.parse(document.getElementById("page").textContent);
const station = new URLSearchParams(location.search).get("station"); // only this one's parts; all where none is named
const byId = (id) => document.getElementById(id);

class Desk {
  constructor() {
    this.panel = new Panel(texts, language, (act, value) => this.act(act, value));
    this.calls = new Calls((isLost) => this.panel.connection(isLost));
    this.picture = new Picture(byId("main"), byId("minis"), {
      select: (index) => this.select(index),
      change: (index, box) => this.change(index, box),
      draw: (box) => this.draw(box),
      layer: (name) => this.setLayer(name),
    });
    this.reading = null;
    this.chosen = -1;
    this.layer = "image";
    this.asked = null;
    this.isBusy = true;
    this.touchedAt = Date.now();
    this.className = null;
  }

  async start() {
    const session = await this.calls.open();
    if (!["quality", "admin"].includes(session.role)) {
      this.panel.refuse(session.name);
      return;
    }
    if (sessionStorage.getItem("lineside.verify.key") !== session.key_id) {
      sessionStorage.clear(); // somebody else was logged in: his window and his undoings are not this reader's
      sessionStorage.setItem("lineside.verify.key", session.key_id);
    }
    this.panel.who(session.name, storedReader());
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("pointerdown", () => this.touch());
    setInterval(() => this.guarded(() => this.hold()), HOLD_MS);
    await this.calls.flush();
    await this.next();
  }

  /** Run something that talks to the server; a login that ended leads to the login form and back. */
  async guarded(work) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof LoggedOut)) throw error;
      location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    }
  }

  touch() {
    this.touchedAt = Date.now();
  }

  // --- parts come and go

  async next() {
    this.isBusy = true;
    const wanted = { reader: storedReader() || null, holder: holder(), station };
    const { status, body } = await this.calls.send("POST", "/v1/verification/claims", wanted);
    this.panel.counts((await this.calls.send("GET", "/v1/verification")).body);
    if (status === 201) this.show(body);
    else this.wait();
  }

  wait() {
    this.reading = null;
    this.picture.clear();
    this.panel.empty(undoable().length > 0);
    this.isBusy = false;
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.guarded(() => (this.reading === null ? this.next() : null)), EMPTY_ASK_MS);
  }

  show(claim) {
    clearTimeout(this.asking);
    this.reading = new Reading(claim);
    this.panel.learn(claim.classes);
    this.chosen = -1;
    this.asked = null;
    this.layer = "image";
    this.view = claim.views[0];
    this.isBusy = false;
    if (this.reading.saysMissed) this.asked = "draw_missed";
    this.showView();
    this.refresh();
    this.panel.say(this.asked ?? "");
  }

  showView() {
    if (this.view === undefined) {
      this.picture.clear();
      return;
    }
    const { inspection_id } = this.reading.claim;
    const layers = {};
    for (const layer of this.view.layers) {
      const query = new URLSearchParams({ view: this.view.view });
      const address = `/v1/inspections/${encodeURIComponent(inspection_id)}/layers/${layer}?${query}`;
      layers[layer] = { address, label: texts[`layer_${layer}`] };
    }
    this.picture.show(this.view.size_wh_px, layers, this.layer);
  }

  refresh() {
    const { claim, boxes } = this.reading;
    this.shownAt = [];
    const marks = [];
    boxes.forEach((box, index) => {
      if (box.view !== this.view?.view) return;
      this.shownAt.push(index);
      const isFound = this.reading.found.some((each) => JSON.stringify(each) === JSON.stringify(box));
      const kind = box.placed ? (isFound ? "found" : "drawn") : "unplaced";
      marks.push({ box_xyxy_px: box.box_xyxy_px, label: this.panel.className(box.class_name), kind });
    });
    for (const said of claim.readings) {
      for (const box of said.boxes.filter((each) => each.view === this.view?.view)) {
        const label = `${said.reviewer}: ${this.panel.className(box.class_name)}`;
        marks.push({ box_xyxy_px: box.box_xyxy_px, label, kind: "said" });
      }
    }
    this.picture.mark(marks, this.shownAt.indexOf(this.chosen));
    this.panel.show(this.reading, this.chosen, this.view, this.layer, undoable().length > 0);
  }

  kept() {
    this.reading.keep();
    this.refresh();
  }

  async hold() {
    if (this.reading === null || this.isBusy || Date.now() - this.touchedAt > IDLE_MS) return;
    const path = `/v1/verification/claims/${this.reading.claim.id}`;
    await this.calls.send("PUT", path); // somebody else may have it by now: this reading counts all the same
  }

  // --- what the reader says

  async decide(agrees) {
    if (this.reading === null || this.isBusy) return;
    const outcome = this.reading.outcome(agrees, this.asked);
    if (outcome.ask !== undefined) {
      this.ask(outcome.ask);
      return;
    }
    this.isBusy = true;
    this.panel.busy();
    const { claim } = this.reading;
    const answer = await this.calls.handIn(claim.id, outcome);
    if (answer.status === 200) remember(claim.id);
    this.panel.say(answer.status === 200 ? "" : "refused", answer.body?.detail ?? "");
    await this.next();
  }

  ask(question) {
    this.asked = question;
    if (question === "draw_missed") {
      this.reading.saysMissed = true;
      if (!this.reading.boxes.some((box) => !box.placed)) this.newBox();
    }
    this.kept();
    this.panel.say(question);
  }

  async enter() {
    if (this.reading === null) return;
    const { isFlagged, saysMissed, isRedrawn } = this.reading;
    if (!isFlagged && (saysMissed || isRedrawn)) await this.decide(false);
    else if (isFlagged && isRedrawn) await this.decide(true);
    else this.panel.say("enter_when_drawn");
  }

  async undo() {
    const last = undoable().at(-1);
    if (last === undefined || this.isBusy) return;
    this.isBusy = true;
    if (this.reading !== null) {
      await this.calls.send("DELETE", `/v1/verification/claims/${this.reading.claim.id}`);
    }
    const { status, body } = await this.calls.send("DELETE", `/v1/verification/claims/${last}/reading`);
    forget(last);
    if (status === 200) this.show(body);
    else await this.next();
    this.panel.say(status < 300 ? "undone" : "refused", body?.detail ?? "");
  }

  // --- boxes

  select(place) {
    this.chosen = place < 0 ? -1 : (this.shownAt[place] ?? -1);
    this.refresh();
  }

  change(place, box) {
    this.alter(this.shownAt[place], { box_xyxy_px: box, placed: true });
  }

  alter(index, values) {
    Object.assign(this.reading.boxes[index], values);
    if (values.class_name !== undefined) this.className = values.class_name;
    this.reconsider();
    this.kept();
  }

  /** After a change of the boxes a question is asked anew. */
  reconsider() {
    this.asked = this.reading.saysMissed ? "draw_missed" : null;
  }

  draw(box) {
    if (this.reading === null || this.isBusy) return;
    this.reading.boxes = this.reading.boxes.filter((each) => each.placed);
    this.add({ view: this.view.view, class_name: this.classNow(), box_xyxy_px: box, placed: true });
  }

  newBox() {
    const box = amid(this.picture.seen, this.view.size_wh_px);
    this.add({ view: this.view.view, class_name: this.classNow(), box_xyxy_px: box, placed: false });
  }

  add(box) {
    this.reading.boxes.push(box);
    this.reconsider();
    this.chosen = this.reading.boxes.length - 1;
    this.kept();
  }

  classNow() {
    const names = this.reading.claim.classes.map(({ name }) => name);
    if (names.includes(this.className)) return this.className;
    return this.reading.found[0]?.class_name ?? names[0] ?? "defect";
  }

  remove() {
    if (this.chosen < 0) return;
    this.reading.boxes.splice(this.chosen, 1);
    this.chosen = -1;
    this.reconsider();
    if (this.asked === "draw_missed" && this.reading.boxes.length === 0) this.asked = "send_without_place";
    this.kept();
    this.panel.say(this.asked ?? "");
  }

  cycleBox(step) {
    if (this.shownAt.length === 0) return;
    const place = this.shownAt.indexOf(this.chosen);
    const next = place < 0 && step < 0 ? this.shownAt.length - 1 : place + step;
    this.select((next + this.shownAt.length) % this.shownAt.length);
    this.picture.reveal(this.reading.boxes[this.chosen].box_xyxy_px);
  }

  cycleClass(step) {
    if (this.chosen < 0) this.cycleBox(1);
    if (this.chosen < 0) return;
    const names = this.reading.claim.classes.map(({ name }) => name);
    const at = names.indexOf(this.reading.boxes[this.chosen].class_name);
    this.alter(this.chosen, { class_name: names[(at + step + names.length) % names.length] });
  }

  /** Move or size the chosen box by a step that zoom makes finer, or what is seen where no box is chosen. */
  arrow([x, y], isSizing) {
    if (this.chosen < 0) {
      this.picture.pan(x / 8, y / 8);
      return;
    }
    const size = this.view.size_wh_px;
    const step = Math.max(1, Math.round(Math.min(this.picture.seen.w, this.picture.seen.h) / 60));
    const { box_xyxy_px: box } = this.reading.boxes[this.chosen];
    const changed = (isSizing ? resized : moved)(box, x * step, y * step, size);
    this.alter(this.chosen, { box_xyxy_px: changed, placed: true });
    this.picture.reveal(changed);
  }

  escape() {
    if (this.reading === null) return;
    this.reading.boxes = this.reading.boxes.filter((box) => box.placed);
    this.reading.saysMissed = false;
    this.asked = null;
    this.chosen = -1;
    this.kept();
    this.panel.say("");
  }

  // --- what is seen

  setLayer(name) {
    if (this.reading === null || !this.view.layers.includes(name)) return;
    this.layer = this.layer === name ? "image" : name;
    this.showView();
    this.refresh();
  }

  nextView() {
    const { views } = this.reading.claim;
    this.view = views[(views.indexOf(this.view) + 1) % views.length];
    this.layer = "image";
    this.chosen = -1;
    this.showView();
    this.refresh();
  }

  // --- keys, buttons and fields come to the same acts

  key(event) {
    this.touch();
    if (event.target.closest("input, textarea, select") !== null) {
      if (event.code === "Escape" || (event.code === "Enter" && !event.isComposing)) event.target.blur();
      return;
    }
    if (event.target.closest("a, button") !== null && ["Enter", "Space"].includes(event.code)) return;
    const wanted = keyOf(event);
    if (wanted === null) return;
    event.preventDefault();
    if (event.repeat && !wanted.mayRepeat) return;
    this.act(wanted.act, wanted.value, event);
  }

  act(name, value, event = null) {
    if (this.reading === null && !["undo", "help", "figures", "reader"].includes(name)) return;
    const hasShift = event?.shiftKey ?? false;
    const acts = {
      agree: () => this.decide(true),
      disagree: () => this.decide(false),
      enter: () => this.enter(),
      undo: () => this.undo(),
      dispose: () => this.dispose(value),
      box: () => this.view && this.newBox(),
      remove: () => this.remove(),
      cycleBox: () => this.cycleBox(hasShift ? -1 : 1),
      cycleClass: () => this.cycleClass(hasShift ? -1 : 1),
      setClass: () => this.chosen >= 0 && this.alter(this.chosen, { class_name: value }),
      choose: () => { this.chosen = value; this.refresh(); },
      arrow: () => this.view && this.arrow(value, hasShift),
      escape: () => this.escape(),
      zoom: () => (value === 0 ? this.picture.fit() : this.picture.zoom(value)),
      layer: () => this.setLayer(value),
      view: () => this.view && this.nextView(),
      reason: () => { this.reading.reason = value; this.reading.keep(); },
      writeReason: () => this.panel.focusReason(),
      reader: () => this.changeReader(value),
      help: () => this.panel.toggleHelp(),
      figures: () => this.figures(),
    };
    this.guarded(async () => acts[name]());
  }

  dispose(value) {
    this.reading.disposition = this.reading.disposition === value ? null : value;
    this.kept();
  }

  async changeReader(name) {
    sessionStorage.setItem("lineside.verify.reader", name.trim());
    if (this.reading !== null) {
      await this.calls.send("DELETE", `/v1/verification/claims/${this.reading.claim.id}`);
    }
    sessionStorage.removeItem("lineside.verify.undoable");
    await this.next();
  }

  async figures() {
    if (this.panel.hideFigures()) return;
    const { status, body } = await this.calls.send("GET", "/v1/reviewers");
    if (status === 200) this.panel.figures(body);
  }
}

/** This window's name: two windows of one reader hold a part each. */
function holder() {
  let name = sessionStorage.getItem("lineside.verify.holder");
  if (name === null) {
    name = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("lineside.verify.holder", name);
  }
  return name;
}

const storedReader = () => sessionStorage.getItem("lineside.verify.reader") ?? "";
const undoable = () => JSON.parse(sessionStorage.getItem("lineside.verify.undoable") ?? "[]");
const setUndoable = (ids) => sessionStorage.setItem("lineside.verify.undoable", JSON.stringify(ids.slice(-MOST_UNDOS)));
const remember = (id) => setUndoable([...undoable(), id]);
const forget = (id) => setUndoable(undoable().filter((other) => other !== id));

const desk = new Desk();
desk.guarded(() => desk.start());
