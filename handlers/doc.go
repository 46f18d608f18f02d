// Package handlers is the lab itself: it makes the pages, gives each its addresses, and puts
// before them what every request passes. Each folder below is a package with one
// responsibility; README.md lists them.
//
// The words of the code, and the package of each:
//
//   - A lane is one way to remember a visitor: plain, signed, session or token. Pages call it
//     a way. (lanes)
//   - A finding is what one lane concludes about one request: a verdict, who the visitor is by
//     this lane, each check, and the reason. (lanes)
//   - A verdict is a finding in one word: absent, believed, verified, found, tampered, expired,
//     unknown or unreadable. (lanes)
//   - A notebook is what the lab remembers about one browser. Its cookie is lab_notebook. One
//     half lies in the database; the other half is the log. (notebook)
//   - A log is the half of a notebook that lies in memory only: the browser's last exchanges,
//     and what pages keep there. Pages call the exchanges in it the wire. (notebook)
//   - An exchange is one request and its response, with the store operations and the findings
//     between them. (notebook)
//   - An action is what was done last in a browser, to one lane or to all, such as a login or
//     an edit. The notebook keeps it, so that the dashboard can say what just happened.
//     (notebook)
//   - A task is one thing to do in a lesson: a button, a link, or a line to copy. (course)
//   - A fact is one thing that a lesson saw: a short text under a name, with the time. (course)
//   - A board is the table of what a lesson saw, drawn from its facts. (course)
//   - A run is a session whose key travels in the address. Requests without a notebook, such
//     as those of the other site or of curl, leave facts there for the lesson that began it.
//     (course)
//   - A claim is one statement of a lesson's explanation. A browser test makes each of them
//     happen. (course)
package handlers
