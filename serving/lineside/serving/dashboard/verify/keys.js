// Which key does what, by its place on the keyboard: the same with Korean letters as with Latin ones.

const ACTS = {
  KeyJ: { act: "agree" },
  KeyF: { act: "disagree" },
  Enter: { act: "enter" },
  NumpadEnter: { act: "enter" },
  KeyZ: { act: "undo" },
  Digit1: { act: "dispose", value: "passed" },
  Digit2: { act: "dispose", value: "reworked" },
  Digit3: { act: "dispose", value: "scrapped" },
  KeyB: { act: "box" },
  KeyN: { act: "cycleBox" },
  KeyC: { act: "cycleClass" },
  Delete: { act: "remove" },
  Backspace: { act: "remove" },
  Escape: { act: "escape" },
  ArrowLeft: { act: "arrow", value: [-1, 0], mayRepeat: true },
  ArrowRight: { act: "arrow", value: [1, 0], mayRepeat: true },
  ArrowUp: { act: "arrow", value: [0, -1], mayRepeat: true },
  ArrowDown: { act: "arrow", value: [0, 1], mayRepeat: true },
  Equal: { act: "zoom", value: 0.7, mayRepeat: true },
  NumpadAdd: { act: "zoom", value: 0.7, mayRepeat: true },
  Minus: { act: "zoom", value: 1.43, mayRepeat: true },
  NumpadSubtract: { act: "zoom", value: 1.43, mayRepeat: true },
  Digit0: { act: "zoom", value: 0 },
  Numpad0: { act: "zoom", value: 0 },
  KeyR: { act: "layer", value: "reference" },
  KeyX: { act: "layer", value: "difference" },
  KeyV: { act: "view" },
  KeyM: { act: "writeReason" },
  KeyG: { act: "figures" },
  KeyH: { act: "help" },
};

/** What a key asks for; null if nothing, or if the browser is to have it. */
export function keyOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  return ACTS[event.code] ?? null;
}
