// What a script can do with a token: send it, or leave it. The token comes from
// the page while it shows it, or from whoever pastes it; this script keeps none.
"use strict";

(() => {
  const panel = document.getElementById("script-on");
  const say = panel.dataset;
  const field = document.getElementById("script-token");
  const call = document.getElementById("script-call");
  const answer = document.getElementById("script-answer");
  panel.hidden = false;
  document.getElementById("script-off").hidden = true;
  field.value = (document.getElementById("whole-opaque") || document.getElementById("whole-sealed") || { textContent: "" }).textContent;

  const short = (token) => (token.length > 8 ? `${token.slice(0, 4)}…${token.slice(-2)}` : token);
  // Forty digits are a key; anything else goes where self-contained ones are checked.
  const address = (token) => (/^[0-9a-f]{40}$/.test(token) ? "/api/whoami" : "/api/whoami/sealed");

  const send = (what) => {
    const token = field.value.trim();
    if (what === "token" && token === "") {
      field.focus();
      return Promise.resolve(["", say.empty]);
    }
    const to = what === "token" ? address(token) : "/api/whoami";
    const [shown, options] = {
      token: [`fetch("${to}", { headers: { Authorization: "Token ${short(token)}" } })`, { headers: { Authorization: `Token ${token}` } }],
      cookies: [`fetch("${to}")`, {}],
      nothing: [`fetch("${to}", { credentials: "omit" })`, { credentials: "omit" }],
    }[what];
    return fetch(to, options).then(
      (response) => response.text().then((text) => {
        const challenge = response.headers.get("WWW-Authenticate");
        return [shown, `${say.ask} ${response.status} ${response.statusText}${challenge ? `\nWWW-Authenticate: ${challenge}` : ""}\n\n${text.trim()}`];
      }),
      (error) => [shown, `${say.failed} ${error.message}`],
    );
  };

  for (const button of panel.querySelectorAll("[data-send]")) {
    button.addEventListener("click", () => {
      send(button.dataset.send).then(([shown, text]) => {
        call.textContent = shown;
        call.hidden = shown === "";
        answer.textContent = text; // a stranger's text: never as markup
        answer.hidden = false;
      });
    });
  }
})();
