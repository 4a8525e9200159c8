// What a reader is about to say of one part: a draft that survives a reload, and what it comes to.
// Drafts are their reader's alone: who reads a part a second time at the same browser must not see the first one's.

import { same, spoken } from "./boxes.js";

const DRAFTS = "lineside.verify.drafts";
const MOST_DRAFTS = 20;

export class Reading {
  /** @param {object} claim as the API gives it */
  constructor(claim) {
    this.claim = claim;
    this.isFlagged = claim.verdict === "NG";
    this.found = claim.defects.map(({ view, class_name, box_xyxy_px }) => ({
      view, class_name, box_xyxy_px, placed: true,
    }));
    this.boxes = this.found.map((box) => ({ ...box }));
    this.disposition = null;
    this.reason = "";
    this.saysMissed = false; // "defect missed" was said of a passed part; its place is still to be drawn
    this.draft = `${claim.reader} ${claim.inspection_id}`;
    Object.assign(this, drafts()[this.draft] ?? {});
  }

  keep() {
    const { boxes, disposition, reason, saysMissed } = this;
    const others = Object.entries(drafts()).filter(([name]) => name !== this.draft);
    const kept = [...others, [this.draft, { boxes, disposition, reason, saysMissed }]];
    localStorage.setItem(DRAFTS, JSON.stringify(Object.fromEntries(kept.slice(-MOST_DRAFTS))));
  }

  get placed() {
    return this.boxes.filter((box) => box.placed);
  }

  get isRedrawn() {
    return !same(this.placed, this.found);
  }

  /**
   * What is said by agreeing or disagreeing with the verdict; `ask` names a question to settle first.
   *
   * @param {boolean} agrees
   * @param {string|null} asked the question that was asked the last time, if this is the answer to it
   */
  outcome(agrees, asked) {
    if (this.isFlagged && agrees) {
      if (!this.isRedrawn) return this.said("confirmed", []);
      return this.placed.length === 0 ? { ask: "no_box_left" } : this.said("corrected", this.placed);
    }
    if (!this.isFlagged && !agrees) {
      if (this.placed.length > 0) return this.said("escape", this.placed);
      return asked === "send_without_place" ? this.said("escape", []) : { ask: "draw_missed" };
    }
    if (this.isRedrawn && asked !== "discard_boxes") return { ask: "discard_boxes" };
    return this.said(this.isFlagged ? "false_call" : "confirmed", []);
  }

  said(kind, boxes) {
    const reason = this.reason.trim();
    return { kind, boxes: spoken(boxes), reason: reason === "" ? null : reason, disposition: this.disposition };
  }
}

function drafts() {
  return JSON.parse(localStorage.getItem(DRAFTS) ?? "{}");
}
