// Script only improves the page: countdowns, copy buttons, and what a script
// itself can see. Everything works without it. Its words stand in the page, in
// the page's language.
"use strict";

(() => {
  const words = document.getElementById("script-words").dataset;
  const fill = (text, places) => text.replace(/\{(\w+)\}/g, (_, name) => places[name]);

  // Countdowns. data-until says until when; data-soon shows on the first screen,
  // where a clock appears only when it is about to matter.
  const pad = (n) => String(n).padStart(2, "0");
  const span = (seconds) => {
    const s = Math.abs(seconds);
    const days = Math.floor(s / 86400);
    const time = `${pad(Math.floor(s / 3600) % 24)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
    if (days > 0) return fill(words.days, { d: days, time });
    return s < 60 ? fill(words.seconds, { s }) : time;
  };
  const left = (instant) => Math.ceil((Date.parse(instant) - Date.now()) / 1000);
  const countdowns = Array.from(document.querySelectorAll("[data-until]"), (time) => {
    const shown = document.createElement("span");
    shown.className = "countdown";
    time.after(" ", shown);
    return [shown, time.dataset.until];
  });
  const soon = Array.from(document.querySelectorAll("[data-soon]"), (shown) => [shown, shown.dataset.soon, shown.dataset.over || words.overReload]);
  const marks = [10, 5, 0]; // what a screen reader hears, not every second
  const spoken = document.createElement("p");
  spoken.className = "hidden";
  spoken.setAttribute("role", "status");
  const first = () => Math.min(...soon.map(([, until]) => left(until)));
  let before = first() + 1; // a moment ago; what was past when the page came is not news
  const ending = (s, over) => (s > 60 ? "" : s > 0 ? fill(words.endsIn, { s }) : over);
  const tick = () => {
    for (const [shown, until] of countdowns) {
      const s = left(until);
      shown.textContent = fill(s > 0 ? words.left : words.over, { time: span(s) });
    }
    for (const [shown, until, over] of soon) {
      const text = ending(left(until), over);
      if (shown.textContent !== text) shown.textContent = text;
    }
    const s = first();
    if (marks.some((mark) => s <= mark && mark < before)) setTimeout(() => { spoken.textContent = ending(s, soon[0][2]); }, 200); // a new region is not heard at once
    before = s;
  };
  if (countdowns.length + soon.length > 0) {
    if (soon.length > 0) document.querySelector(".skip").after(spoken); // at the end it would make the page a pixel longer
    tick();
    setInterval(tick, 1000);
  }

  // The menu closes when the keyboard leaves it, since it would cover what the
  // keyboard goes to; and by Escape.
  const menu = document.querySelector("details.menu");
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // What a script sees. textContent only: a cookie is a stranger's text.
  const live = document.getElementById("script-live");
  if (live) {
    const say = live.dataset;
    live.hidden = false;
    document.getElementById("script-off").hidden = true;
    document.getElementById("document-cookie").textContent = document.cookie || say.empty;
    // What the request carried and a script does not find.
    const seen = new Set(document.cookie.split("; ").map((pair) => pair.split("=")[0]));
    const sent = document.getElementById("header").textContent.replace(/^Cookie: /, "").split("; ");
    const names = sent.filter((pair) => pair.includes("=")).map((pair) => pair.split("=")[0]);
    document.getElementById("hidden-cookies").textContent = names.filter((name) => !seen.has(name)).join(", ") || say.none;
    // Browsers differ in what they tell of a cookie: say what this one does.
    const store = document.getElementById("cookie-store");
    if ("cookieStore" in window) {
      cookieStore.getAll().then(
        (cookies) => {
          store.textContent = JSON.stringify(cookies, null, 2);
          const fields = new Set();
          for (const cookie of cookies) for (const field in cookie) fields.add(field);
          document.getElementById("store-fields").textContent =
            fields.size > 0 ? fill(say.fields, { fields: Array.from(fields).sort().join(", ") }) : say.nothing;
        },
        (error) => { store.textContent = `${say.refused} ${error.message}`; },
      );
    } else {
      store.textContent = say.noStore;
    }
  }

  // A copy button beside each whole value, also in what is added later.
  const dress = (root) => {
    if (!navigator.clipboard) return;
    for (const field of root.querySelectorAll(".copyfield")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy-button";
      button.textContent = words.copy;
      button.addEventListener("click", () => {
        navigator.clipboard.writeText(field.querySelector("code, pre").textContent).then(
          () => { button.textContent = words.copied; },
          () => { button.textContent = words.byHand; },
        );
      });
      field.append(button);
    }
  };
  dress(document);
  document.addEventListener("lab:added", (event) => dress(event.target));
})();
