// The composer while it is typed in: line and fields stay in step, and the verdicts
// follow. The server judges; this script only asks it, and says what a script sees
// of what was really sent.
"use strict";

(() => {
  const composer = document.getElementById("composer");
  composer.classList.add("scripted");
  const parse = (text) => new DOMParser().parseFromString(text, "text/html"); // written by the server's templates, which escape

  // Whatever is typed is judged after a short pause.
  const follow = (form, where, show) => {
    let timer = 0;
    let asked = null;
    const ask = () => {
      if (asked) asked.abort();
      asked = new AbortController();
      fetch("/composer", { method: "POST", body: new URLSearchParams(new FormData(form)), signal: asked.signal })
        .then((answer) => answer.text())
        .then((text) => {
          const page = parse(text);
          if (page.getElementById(where)) show(page);
          else say(page.querySelector("#error p:not(.status)")?.textContent); // refused, and why
        })
        .catch((error) => {
          if (error.name !== "AbortError") say(composer.dataset.unanswered); // else a newer question is under way
        });
    };
    const say = (words) => {
      const said = document.createElement("p");
      said.className = "problem";
      said.textContent = words || composer.dataset.unanswered;
      document.getElementById(where).replaceChildren(said);
    };
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 150); // ms
    });
  };
  const put = (page, id) => document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);

  const form = document.getElementById("composer-form");
  follow(form, "said", (page) => {
    put(page, "said"); // a screen reader hears it
    put(page, "judged");
    for (const input of page.querySelectorAll("#composer-form input[id]")) {
      const here = document.getElementById(input.id);
      if (here === document.activeElement) continue; // somebody types there
      if (here.type === "checkbox") here.checked = input.checked;
      else if (here.value !== input.value) here.value = input.value;
    }
  });

  const paste = document.getElementById("paste-form");
  follow(paste, "pasted", (page) => put(page, "pasted"));

  // What a script sees of what was sent.
  const sent = document.getElementById("sent");
  if (!sent) return;
  const names = new Set(sent.dataset.names.split("\n").slice(0, -1));
  const nameOf = (pair) => (pair.includes("=") ? pair.slice(0, pair.indexOf("=")) : names.has(pair) ? pair : "");
  const report = (row, seen, expected) => {
    const agrees = seen === expected;
    const code = document.createElement(seen ? "code" : "span");
    code.className = seen ? "" : "nothing";
    code.textContent = seen || sent.dataset.nothing;
    row.querySelector(".seen").replaceChildren(code);
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.textContent = agrees ? "✓" : "✗";
    mark.setAttribute("aria-hidden", "true");
    const word = document.createElement("span");
    word.className = "hidden";
    word.textContent = agrees ? sent.dataset.alike : sent.dataset.unlike;
    row.querySelector(".verdict-cell").replaceChildren(mark, word);
    row.dataset.agrees = agrees;
    if (agrees) return;
    sent.className = "sent differs"; // no disagreement is hidden
    sent.querySelector("#sent-title .mark").textContent = "✗";
    sent.querySelector("#sent-title .word").textContent = sent.dataset.differs;
  };
  const seen = document.cookie.split("; ").filter((pair) => pair && names.has(nameOf(pair))).join("; ");
  report(document.getElementById("sent-script"), seen, sent.dataset.script);
  const rows = sent.querySelectorAll("tr.store");
  if (rows.length > 0 && window.cookieStore) {
    const last = document.getElementById("f-name").value;
    const path = sent.querySelector('tr.store[data-field="path"]').dataset.value;
    cookieStore.getAll(last).then((cookies) => {
      const cookie = cookies.find((one) => one.path === path) || cookies[0];
      for (const row of rows) report(row, cookie ? String(cookie[row.dataset.field]) : "", row.dataset.value);
    });
  }
})();
