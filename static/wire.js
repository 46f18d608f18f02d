// The wire, live: while the page can be seen, the server tells of each new
// exchange, and it is put on top. Without script the page says: reload.
"use strict";

(() => {
  const live = document.getElementById("live");
  const list = document.getElementById("exchanges");
  const say = live.dataset;
  const most = Number(say.most);
  const address = new URL(say.events, location.href);
  let newest = Number(address.searchParams.get("after"));
  let source = null;
  let state = "";   // what the line says: live or paused
  let added = 0;    // since the page was opened
  let speaking = 0; // one announcement for many exchanges

  const speak = () => {
    speaking = 0;
    live.textContent = added > 0 ? `${state} ${say.news.replace("{n}", added)}` : state;
  };
  const become = (text) => {
    if (state === text) return;
    state = text;
    speak();
  };

  // The newest stands open. Whoever closed it, or reads on below, or works in
  // it, is left alone.
  const follow = (item) => {
    const before = list.firstElementChild?.querySelector("details");
    if (before) {
      if (!before.open || before.getBoundingClientRect().top < 0 || before.contains(document.activeElement)) return;
      before.open = false;
    }
    item.querySelector("details").open = true;
  };

  const add = (event) => {
    const number = Number(event.lastEventId);
    if (number <= newest) list.replaceChildren(); // the server began anew
    newest = number;
    const holder = document.createElement("template");
    holder.innerHTML = event.data; // written by the server's templates, which escape
    const item = holder.content.firstElementChild;
    follow(item);
    list.prepend(item);
    while (list.children.length > most) list.lastElementChild.remove();
    document.getElementById("no-exchanges").hidden = true;
    item.dispatchEvent(new CustomEvent("lab:added", { bubbles: true }));
    added += 1;
    if (!speaking) speaking = setTimeout(speak, 1000);
  };

  const open = () => {
    if (source || document.visibilityState !== "visible") return;
    address.searchParams.set("after", newest);
    source = new EventSource(address);
    source.addEventListener("open", () => become(say.live));
    source.addEventListener("exchange", add);
    // A lost connection is made again by the browser itself; a refused one is not.
    source.addEventListener("error", () => become(say.paused));
  };
  const close = () => {
    if (source) source.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? open() : close()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
})();
