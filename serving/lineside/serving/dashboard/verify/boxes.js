// Boxes on a picture: plain values [left, top, right, bottom] in its pixels, and what may be done with them.

const LEAST_SIDE_PX = 2;

/** A box within a picture of a size: whole pixels, right way round, never thinner than two. */
export function fitted([left, top, right, bottom], [width, height]) {
  const [l, r] = side(left, right, width);
  const [t, b] = side(top, bottom, height);
  return [l, t, r, b];
}

function side(first, second, most) {
  let low = Math.round(Math.min(first, second));
  let high = Math.round(Math.max(first, second));
  low = Math.min(Math.max(low, 0), Math.max(0, most - LEAST_SIDE_PX));
  high = Math.min(Math.max(high, low + LEAST_SIDE_PX), most);
  return [low, high];
}

/** A box moved as far as the picture lets it. */
export function moved([left, top, right, bottom], dx, dy, [width, height]) {
  const x = Math.min(Math.max(dx, -left), width - right);
  const y = Math.min(Math.max(dy, -top), height - bottom);
  return [left + x, top + y, right + x, bottom + y];
}

/** A box whose right and lower sides are moved. */
export function resized([left, top, right, bottom], dx, dy, size) {
  const [width, height] = size;
  const r = Math.min(Math.max(right + dx, left + LEAST_SIDE_PX), width);
  const b = Math.min(Math.max(bottom + dy, top + LEAST_SIDE_PX), height);
  return [left, top, r, b];
}

/** A box in the middle of what is seen, a sixth of it wide. */
export function amid({ x, y, w, h }, size) {
  const half = Math.max(LEAST_SIDE_PX, Math.min(w, h) / 12);
  const [cx, cy] = [x + w / 2, y + h / 2];
  return fitted([cx - half, cy - half, cx + half, cy + half], size);
}

/** What the API takes of a list of boxes. */
export function spoken(boxes) {
  return boxes.map(({ view, class_name, box_xyxy_px }) => ({ view, class_name, box_xyxy_px }));
}

/** Whether two lists name the same boxes. */
export function same(first, second) {
  const words = (boxes) => spoken(boxes).map((box) => JSON.stringify(box)).sort().join();
  return words(first) === words(second);
}
