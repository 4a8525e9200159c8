// A view of a part: its layers side by side under the same boxes, with zoom; the large one takes the mouse.

import { fitted, moved } from "./boxes.js";

const NS = "http://www.w3.org/2000/svg";
const HANDLE_PX = 9; // on the screen
const LEAST_DRAG_PX = 4; // on the screen: less is a click
const CORNERS = [[0, 1], [2, 1], [2, 3], [0, 3]]; // indices of the box's sides

const element = (name, attributes = {}) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

export class Picture {
  /**
   * @param {SVGSVGElement} main the large picture
   * @param {HTMLElement} minis where the other layers stand
   * @param {object} told called with what the mouse does: select(index), change(index, box), draw(box), layer(name)
   */
  constructor(main, minis, told) {
    this.main = main;
    this.minis = minis;
    this.told = told;
    this.size = [1, 1];
    this.frames = [];
    this.boxes = [];
    this.seen = { x: 0, y: 0, w: 1, h: 1 };
    this.drag = null;
    main.addEventListener("pointerdown", (event) => this.down(event));
    main.addEventListener("pointermove", (event) => this.move(event));
    main.addEventListener("pointerup", (event) => this.up(event));
    main.addEventListener("pointercancel", () => this.cancel());
    main.addEventListener("contextmenu", (event) => event.preventDefault());
    main.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => this.paint()).observe(main);
  }

  /** Show the layers of a view: {name: {address, label}}, the large one by name. */
  show(size, layers, large) {
    const isOther = this.layers === undefined || Object.values(layers)[0].address !== Object.values(this.layers)[0].address;
    this.size = size;
    this.layers = layers;
    this.large = large;
    this.build();
    if (isOther) this.fit();
  }

  clear() {
    this.layers = undefined;
    this.boxes = [];
    this.main.replaceChildren();
    this.minis.replaceChildren();
  }

  build() {
    this.frames = [];
    this.main.replaceChildren();
    this.frames.push(this.frame(this.main, this.large));
    this.minis.replaceChildren();
    for (const name of Object.keys(this.layers)) {
      if (Object.keys(this.layers).length === 1) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = name === this.large ? "mini chosen" : "mini";
      button.dataset.layer = name;
      button.tabIndex = -1;
      button.addEventListener("click", () => this.told.layer(name));
      const svg = element("svg");
      const caption = document.createElement("span");
      caption.textContent = this.layers[name].label;
      button.append(svg, caption);
      this.minis.append(button);
      this.frames.push(this.frame(svg, name));
    }
    this.paint();
  }

  frame(svg, name) {
    const [width, height] = this.size;
    const image = element("image", { href: this.layers[name].address, width, height });
    const marks = element("g");
    svg.append(image, marks);
    return { svg, image, marks };
  }

  /** Draw the boxes: [{box_xyxy_px, label, kind}], the chosen one by index (or -1). */
  mark(boxes, chosen) {
    this.boxes = boxes;
    this.chosen = chosen;
    this.paint();
  }

  paint() {
    if (this.layers === undefined) return;
    for (const { svg, image, marks } of this.frames) {
      const { x, y, w, h } = this.seen;
      svg.setAttribute("viewBox", `${x} ${y} ${w} ${h}`);
      const perPixel = Math.max(w / Math.max(1, svg.clientWidth), h / Math.max(1, svg.clientHeight));
      image.style.imageRendering = perPixel < 0.34 ? "pixelated" : "auto";
      marks.replaceChildren();
      this.boxes.forEach((box, index) => this.paintBox(marks, box, index, perPixel, svg === this.main));
    }
  }

  paintBox(marks, { box_xyxy_px: box, label, kind }, index, perPixel, isMain) {
    const [left, top, right, bottom] = box;
    const isChosen = index === this.chosen;
    const group = element("g", { class: `box ${kind}${isChosen ? " chosen" : ""}`, "data-index": index });
    group.append(element("rect", { x: left, y: top, width: right - left, height: bottom - top }));
    if (isMain) {
      const letters = 14 * perPixel;
      const y = top - this.seen.y > 1.4 * letters ? top - 0.35 * letters : bottom + 1.05 * letters;
      const atEnd = left > this.seen.x + this.seen.w * 0.66;
      const text = element("text", { x: atEnd ? right : left, y, "font-size": letters });
      if (atEnd) text.setAttribute("text-anchor", "end");
      text.textContent = label;
      group.append(text);
      if (isChosen) CORNERS.forEach(([h, v], corner) => group.append(this.handle(box[h], box[v], corner, perPixel)));
    }
    marks.append(group);
  }

  handle(x, y, corner, perPixel) {
    const side = HANDLE_PX * perPixel;
    const at = { x: x - side / 2, y: y - side / 2, width: side, height: side };
    return element("rect", { ...at, class: "handle", "data-corner": corner });
  }

  // --- what is seen

  fit() {
    const [w, h] = this.size;
    this.seen = { x: 0, y: 0, w, h };
    this.paint();
  }

  /** Zoom by a factor about a point of the picture; its middle if none is given. */
  zoom(factor, at = null) {
    const { x, y, w, h } = this.seen;
    const [cx, cy] = at ?? [x + w / 2, y + h / 2];
    const [width, height] = this.size;
    const least = Math.min(width, height, 8);
    const share = Math.min(Math.max(factor, least / w, least / h), width / w);
    this.seen = { x: cx - (cx - x) * share, y: cy - (cy - y) * share, w: w * share, h: h * share };
    this.pan(0, 0);
  }

  /** Move what is seen by shares of itself. */
  pan(dx, dy) {
    const { x, y, w, h } = this.seen;
    const [width, height] = this.size;
    const within = (value, most) => Math.min(Math.max(value, 0), Math.max(0, most));
    this.seen = { x: within(x + dx * w, width - w), y: within(y + dy * h, height - h), w, h };
    this.paint();
  }

  /** Move what is seen so that a box is in it. */
  reveal([left, top, right, bottom]) {
    const { x, y, w, h } = this.seen;
    if (left >= x && top >= y && right <= x + w && bottom <= y + h) return;
    this.seen = { x: (left + right - w) / 2, y: (top + bottom - h) / 2, w, h };
    this.pan(0, 0);
  }

  // --- the mouse

  at(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.main.getScreenCTM().inverse());
    return [point.x, point.y];
  }

  down(event) {
    if (this.layers === undefined) return;
    const start = this.at(event);
    this.main.setPointerCapture(event.pointerId);
    if (event.button !== 0) {
      this.drag = { how: "pan", start };
      return;
    }
    const handle = event.target.closest(".handle");
    const mark = event.target.closest(".box");
    const index = mark === null ? -1 : Number(mark.dataset.index);
    const isMine = index >= 0 && this.boxes[index].kind !== "said";
    if (handle !== null) this.drag = { how: "resize", start, index, corner: Number(handle.dataset.corner) };
    else if (isMine) this.drag = { how: "move", start, index };
    else this.drag = { how: "draw", start };
    if (this.drag.index !== undefined) {
      this.drag.from = this.boxes[this.drag.index].box_xyxy_px;
      this.told.select(this.drag.index);
    }
    this.drag.screen = [event.clientX, event.clientY];
  }

  move(event) {
    if (this.drag === null) return;
    const [x, y] = this.at(event);
    const { how, start, index, from, corner, screen } = this.drag;
    const [dx, dy] = [x - start[0], y - start[1]];
    if (how === "pan") {
      this.pan(-dx / this.seen.w, -dy / this.seen.h);
      return;
    }
    const far = Math.hypot(event.clientX - screen[0], event.clientY - screen[1]) >= LEAST_DRAG_PX;
    if (!far && !this.drag.isUnderWay) return;
    this.drag.isUnderWay = true;
    if (how === "move") this.told.change(index, moved(from, Math.round(dx), Math.round(dy), this.size));
    else if (how === "resize") {
      const [h, v] = CORNERS[corner];
      const box = [...from];
      box[h] += dx;
      box[v] += dy;
      this.told.change(index, fitted(box, this.size));
    } else this.sketch(fitted([start[0], start[1], x, y], this.size));
  }

  sketch([left, top, right, bottom]) {
    this.main.querySelector(".sketch")?.remove();
    const at = { x: left, y: top, width: right - left, height: bottom - top };
    this.main.append(element("rect", { ...at, class: "sketch" }));
  }

  up(event) {
    if (this.drag === null) return;
    const { how, start, isUnderWay } = this.drag;
    const end = this.at(event);
    this.cancel();
    if (how === "draw" && isUnderWay) this.told.draw(fitted([...start, ...end], this.size));
    else if (how === "draw") this.told.select(-1);
  }

  cancel() {
    this.drag = null;
    this.main.querySelector(".sketch")?.remove();
  }

  wheel(event) {
    if (this.layers === undefined) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 0.8 : 1.25, this.at(event));
  }
}
