// Lessons: keys, and the page looks again when somebody comes back to it from
// DevTools, a terminal or the other site. Everything works without.
"use strict";

(() => {
  const lesson = document.getElementById("lesson");
  const present = lesson.classList.contains("present");
  const parts = Array.from(lesson.querySelectorAll(".part"));
  const press = (selector) => {
    const target = lesson.querySelector(selector);
    if (target) target.click();
    return target !== null;
  };

  // Where the reader is: the last part whose beginning has come into view.
  const current = () => {
    let at = 0;
    parts.forEach((part, i) => { if (part.getBoundingClientRect().top < innerHeight / 3) at = i; });
    return at;
  };
  const move = (step) => {
    const to = parts[current() + step];
    if (present || !to) return press(step > 0 ? "a.next" : "a.back");
    location.hash = to.id;
    return true;
  };

  let black = null;
  const blank = () => {
    if (black) { black.remove(); black = null; return true; }
    black = document.createElement("div");
    black.className = "blank";
    document.body.append(black);
    return true;
  };
  const answers = () => lesson.querySelectorAll(".answers .answer:not(:disabled)");
  const keys = {
    ArrowRight: () => move(1),
    ArrowLeft: () => move(-1),
    PageDown: () => present && move(1), // what a clicker sends
    PageUp: () => present && move(-1),
    p: () => {
      const mode = lesson.querySelector("a.mode");
      mode.href = mode.href.replace(/(#|present=)[a-z]+$/, `$1${present ? lesson.dataset.part : parts[current()].id}`); // the same part
      return press("a.mode");
    },
    r: () => present && press(".restart button"),
    b: () => present && blank(),
    ".": () => present && blank(), // so does this
    Enter: () => present && document.activeElement === document.body && press(".deed .primary"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (black && key !== "b" && key !== ".") { blank(); return; }
    let did = keys[key]?.();
    if (present && /^[123]$/.test(key)) {
      const answer = answers()[Number(key) - 1];
      if (answer) { answer.click(); did = true; }
    }
    if (did) event.preventDefault();
  });

  // Who comes back by pressing a button or a link of this page has the turn first,
  // and then is on the way to another document: to load this one would stop that.
  const turn = 300; // milliseconds
  let leaving = false;
  addEventListener("submit", () => { leaving = true; });
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href]:not([target])");
    const elsewhere = link && link.href.split("#")[0] !== location.href.split("#")[0];
    if (elsewhere || event.target.closest("button[data-script]")) leaving = true;
  });
  addEventListener("pageshow", () => { leaving = false; });

  // Come back, look again: what was done elsewhere shows at once.
  const look = async () => {
    if (document.hidden) return;
    try {
      const response = await fetch(location.href.split("#")[0], { cache: "no-store" });
      if (!response.ok) return;
      const now = new DOMParser().parseFromString(await response.text(), "text/html");
      if (!leaving && now.getElementById("lesson").dataset.state !== lesson.dataset.state) location.reload();
    } catch { /* the lab was stopped: the page stands as it is */ }
  };
  let left = false;
  addEventListener("blur", () => { left = true; });
  addEventListener("focus", () => { if (left) { left = false; setTimeout(look, turn); } });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) setTimeout(look, turn); });
})();
