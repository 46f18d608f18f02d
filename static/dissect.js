// Editing shows at once what breaks: what is typed is posted again after a short
// pause, and the answer takes the place of the last one. The value goes nowhere
// else, and this script keeps none.
"use strict";

(() => {
  const form = document.getElementById("dissect-form");
  const last = form.elements.last;
  const pause = 200; // ms without a key
  let timer = 0;
  let asked = null;

  const put = (page, id) => {
    const [from, to] = [page.getElementById(id), document.getElementById(id)];
    to.replaceChildren(...from.childNodes);
    to.toggleAttribute("data-failed", false);
    if (from.dataset.failed) to.dataset.failed = from.dataset.failed;
  };

  const say = (words) => {
    const said = document.createElement("p");
    said.className = "problem";
    said.textContent = words || document.getElementById("dissect").dataset.unanswered;
    document.getElementById("verdict").replaceChildren(said);
    document.getElementById("taken").replaceChildren();
  };

  const show = (act) => {
    clearTimeout(timer);
    if (asked) asked.abort();
    asked = new AbortController();
    last.value = act;
    const body = new URLSearchParams(new FormData(form));
    body.set("act", act);
    fetch(form.action, { method: "POST", body, signal: asked.signal })
      .then((answer) => answer.text())
      .then((text) => {
        const page = new DOMParser().parseFromString(text, "text/html"); // written by the server's templates, which escape
        if (!page.getElementById("verdict")) return say(page.querySelector("#error p:not(.status)")?.textContent); // refused, and why
        put(page, "verdict");
        put(page, "taken");
      })
      .catch((error) => {
        if (error.name !== "AbortError") say(); // else a newer question is under way
      });
  };

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => show(last.value), pause);
  });
  // The two acts answer in place; the other buttons fill in another value, and so
  // get a page of their own.
  form.addEventListener("submit", (event) => {
    const act = event.submitter?.name === "act" ? event.submitter.value : "";
    if (act !== "decode" && act !== "verify") return;
    event.preventDefault();
    show(act);
  });
})();
