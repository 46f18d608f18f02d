// Lesson 12: what a script can do in a page that it was let into. The attacker's
// part first; below it, what wires the buttons and tells the lesson.
"use strict";

(() => {
  const json = async (url) => {
    const answer = await fetch(url); // the browser adds the cookies by itself
    return answer.ok ? answer.json() : {};
  };

  const attacker = {
    // Read: which cookies are there for a script? Use: as whom is a request taken?
    async seen() {
      const names = document.cookie.split("; ").map((pair) => pair.split("=")[0]);
      const { user = "" } = await json("/api/whoami");
      return { names: names.join(" "), who: user };
    },

    // Write: put a value of its own in place of the session's key.
    async overwrite() {
      const { lanes } = await json("/api/lanes");
      const { cookie } = lanes.find((lane) => lane.id === "session");
      document.cookie = `${cookie}=overwritten; Path=/`;
      return {};
    },

    // Ask the server for what the browser hides: its wire shows each Cookie header.
    async echo() {
      const { exchanges } = await json("/api/wire");
      const isKey = (cookie) => cookie.lane === "session";
      const { cookie, cookies } = exchanges.findLast((exchange) => exchange.cookies.some(isKey));
      const name = cookies.find(isKey).name;
      const key = cookie.split("; ").find((pair) => pair.startsWith(`${name}=`)).slice(name.length + 1);
      return { key: `${key.slice(0, 4)}…${key.slice(-2)}` }; // it has all of it
    },
  };

  const present = document.getElementById("lesson").classList.contains("present");
  for (const button of document.querySelectorAll("button[data-script]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const act = button.dataset.script;
      button.disabled = true;
      try {
        const report = new URLSearchParams({ act, ...await attacker[act]() });
        await fetch(location.pathname, { method: "POST", body: report });
        if (present) {
          location.assign("?present=observe");
        } else {
          location.hash = act === "seen" ? "observe" : `board-${act}`;
          history.scrollRestoration = "manual"; // the end of this file scrolls
          location.reload();
        }
      } catch { // the lab was stopped, or nobody is signed in any more
        button.disabled = false;
      }
    });
  }

  // After a report the page comes anew: on to what was reported.
  const about = location.hash && document.getElementById(location.hash.slice(1));
  if (history.scrollRestoration === "manual" && about) {
    about.closest("details")?.setAttribute("open", "");
    about.scrollIntoView();
  }
})();
