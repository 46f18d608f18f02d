// Script only improves the page: countdowns, copy buttons, and what a script
// itself can see. Everything works without it.
"use strict";

(() => {
  // Countdowns: every element with data-until says how long it still is.
  const pad = (n) => String(n).padStart(2, "0");
  const span = (seconds) => {
    const s = Math.abs(seconds);
    const days = Math.floor(s / 86400);
    const clock = `${pad(Math.floor(s / 3600) % 24)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
    if (days > 0) return `${days} d ${clock}`;
    return s < 60 ? `${s} s` : clock;
  };
  const tick = () => {
    for (const element of document.querySelectorAll("[data-until]")) {
      const left = Math.ceil((Date.parse(element.dataset.until) - Date.now()) / 1000);
      element.textContent = left > 0 ? `in ${span(left)}` : `over since ${span(left)}`;
    }
    // On the first screen a clock shows only when it is about to matter.
    for (const element of document.querySelectorAll("[data-soon]")) {
      const left = Math.ceil((Date.parse(element.dataset.soon) - Date.now()) / 1000);
      element.textContent = left > 60 ? "" : left > 0 ? `ends in ${left} s` : "its time is over: reload, and it will not come";
    }
  };
  if (document.querySelector("[data-until], [data-soon]")) {
    tick();
    setInterval(tick, 1000);
  }

  // What a script sees. textContent only: a cookie is a stranger's text.
  const live = document.getElementById("script-live");
  if (live) {
    live.hidden = false;
    document.getElementById("script-off").hidden = true;
    document.getElementById("document-cookie").textContent = document.cookie || "(empty)";
    // What the request carried and a script does not find.
    const seen = new Set(document.cookie.split("; ").map((pair) => pair.split("=")[0]));
    const sent = document.getElementById("header").textContent.replace(/^Cookie: /, "").split("; ");
    const names = sent.filter((pair) => pair.includes("=")).map((pair) => pair.split("=")[0]);
    document.getElementById("hidden-cookies").textContent = names.filter((name) => !seen.has(name)).join(", ") || "none";
    const store = document.getElementById("cookie-store");
    if ("cookieStore" in window) {
      cookieStore.getAll().then(
        (cookies) => { store.textContent = JSON.stringify(cookies, null, 2); },
        (error) => { store.textContent = `cookieStore refused: ${error.message}`; },
      );
    } else {
      store.textContent = "This browser has no cookieStore here.";
    }
  }

  // A copy button beside each whole value.
  if (navigator.clipboard) {
    for (const field of document.querySelectorAll(".copyfield")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy-button";
      button.textContent = "Copy";
      button.addEventListener("click", () => {
        navigator.clipboard.writeText(field.querySelector("code").textContent).then(
          () => { button.textContent = "Copied"; },
          () => { button.textContent = "Select and copy by hand"; },
        );
      });
      field.append(button);
    }
  }
})();
