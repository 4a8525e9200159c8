// All of the page but the picture: what the part is, what is said of it, and what the page has to say.

const byId = (id) => document.getElementById(id);

const made = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

export class Panel {
  /** @param {(act: string, value: unknown) => void} act what a button or field asks for */
  constructor(texts, language, act) {
    this.texts = texts;
    this.language = language;
    this.act = act;
    this.names = new Map();
    for (const button of document.querySelectorAll("[data-act]")) {
      button.addEventListener("click", () => {
        button.blur(); // so that Enter and Space are keys of the page again
        act(button.dataset.act, button.dataset.value);
      });
    }
    byId("reason").addEventListener("input", () => act("reason", byId("reason").value));
    byId("reader").addEventListener("change", () => act("reader", byId("reader").value));
  }

  text(name, values = {}) {
    return this.texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
  }

  /** Take the words for the classes of a part. */
  learn(classes) {
    this.names = new Map(classes.map((each) => [each.name, this.language === "ko" ? each.name_ko : each.name]));
  }

  className(name) {
    return this.names.get(name) ?? name;
  }

  who(name, reader) {
    byId("who").textContent = name;
    byId("reader").value = reader;
  }

  refuse(name) {
    document.body.dataset.state = "refused";
    this.say("", this.text("no_right", { name }));
  }

  counts({ waiting, without_image: gone }) {
    byId("counts").textContent = this.text("waiting", waiting);
    byId("counts").title = gone > 0 ? this.text("without_image", { gone }) : "";
  }

  empty(mayUndo) {
    document.body.dataset.state = "empty";
    this.mayUndo(mayUndo);
  }

  busy() {
    document.body.dataset.state = "busy";
  }

  mayUndo(may) {
    for (const button of document.querySelectorAll("[data-act=undo]")) button.disabled = !may;
  }

  /** Show a part as its reading stands. */
  show(reading, chosen, view, layer, mayUndo) {
    const { claim } = reading;
    document.body.dataset.state = "reading";
    document.body.dataset.kind = claim.kind;
    document.body.dataset.verdict = claim.verdict;
    this.mayUndo(mayUndo);
    byId("question").textContent = this.text(`question_${claim.kind}`);
    const side = claim.verdict === "NG" ? "flagged" : "audit";
    byId("agree-text").textContent = this.text(`agree_${side}`);
    byId("disagree-text").textContent = this.text(`disagree_${side}`);
    this.facts(claim, view);
    this.said(claim.readings);
    this.boxes(reading, chosen, view);
    for (const button of document.querySelectorAll("[data-act=dispose]")) {
      button.setAttribute("aria-pressed", String(button.dataset.value === reading.disposition));
    }
    for (const mini of document.querySelectorAll(".mini")) mini.classList.toggle("chosen", mini.dataset.layer === layer);
    if (document.activeElement !== byId("reason")) byId("reason").value = reading.reason;
  }

  facts(claim, view) {
    const verdict = made("span", `ls-chip ${claim.verdict === "NG" ? "ng" : "ok"}`, claim.verdict);
    byId("part").replaceChildren(made("b", "", claim.part_id), verdict);
    const of = [claim.product, claim.lot, claim.station, new Date(claim.judged_at).toLocaleTimeString(this.language)];
    byId("facts").textContent = of.filter((fact) => fact !== null).join(" · ");
    const views = byId("views");
    views.hidden = claim.views.length < 2;
    views.textContent = this.text("view_of", {
      view: view?.view, at: claim.views.indexOf(view) + 1, all: claim.views.length,
    });
  }

  said(readings) {
    byId("readings").replaceChildren(
      ...readings.map(({ reviewer, kind, reason }) => {
        const line = made("li", "", `${reviewer}: ${this.text(`said_${kind}`)}`);
        if (reason) line.append(made("span", "ls-hint", ` ${reason}`));
        return line;
      }),
    );
  }

  boxes({ boxes, claim }, chosen, view) {
    const rows = boxes.map((box, index) => {
      const row = made("li", index === chosen ? "chosen" : "");
      const name = made("button", "name", this.className(box.class_name));
      name.type = "button";
      name.tabIndex = -1;
      name.addEventListener("click", () => this.act("choose", index));
      row.append(name);
      if (index === chosen) row.append(this.classes(claim.classes, box.class_name));
      row.append(made("span", "ls-hint", box.box_xyxy_px.map(Math.round).join(", ")));
      if (box.view !== view?.view) row.append(made("span", "ls-hint", box.view));
      return row;
    });
    byId("boxes").replaceChildren(...rows);
    byId("no-boxes").hidden = boxes.length > 0;
  }

  classes(classes, chosen) {
    const select = made("select");
    select.setAttribute("aria-label", this.text("class"));
    select.tabIndex = -1;
    for (const { name } of classes) {
      const option = made("option", "", this.className(name));
      option.value = name;
      option.selected = name === chosen;
      select.append(option);
    }
    select.addEventListener("change", () => {
      select.blur();
      this.act("setClass", select.value);
    });
    return select;
  }

  /** Say something by its name, with what the server added. */
  say(name, more = "") {
    const message = byId("message");
    message.textContent = [name === "" ? "" : this.text(name), more].filter((text) => text !== "").join(" ");
    message.hidden = message.textContent === "";
  }

  connection(isLost) {
    byId("lost").hidden = !isLost;
  }

  focusReason() {
    byId("reason").focus();
  }

  toggleHelp() {
    byId("help").hidden = !byId("help").hidden;
  }

  hideFigures() {
    const wasShown = !byId("figures").hidden;
    byId("figures").hidden = true;
    return wasShown;
  }

  figures({ total, items }) {
    const share = ({ wrong, readings, share: value, lower, upper }) => {
      if (readings === 0) return "-";
      const percent = (number) => `${(100 * number).toFixed(1)}`;
      return `${percent(value)} % (${percent(lower)}–${percent(upper)}; ${wrong}/${readings})`;
    };
    const kappa = (found) => {
      if (found === null || found.value === null) return "-";
      return `${found.value.toFixed(2)} (${found.lower.toFixed(2)}–${found.upper.toFixed(2)}; ${found.pairs})`;
    };
    const rows = [...items, { ...total, reader: this.text("all_readers") }].map((reader) => {
      const row = made("tr");
      const { known_parts: known, blind_seconds: blind } = reader;
      const cells = [
        reader.reader, reader.readings, share(known.missed), share(known.false_alarms), share(blind.missed),
        share(blind.false_alarms), kappa(reader.kappa), reader.minutes.toFixed(1),
      ];
      row.append(...cells.map((cell) => made("td", "", String(cell))));
      return row;
    });
    byId("figures-rows").replaceChildren(...rows);
    byId("figures").hidden = false;
  }
}
