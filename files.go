// What the binary carries: pages, static files, and the Go source that pages show.

package main

import "embed"

// The Go files are named one by one, since a pattern would carry the tests, too. The program
// does not start if a page shows a function of a file that is missing here.
//
//go:embed templates static
//go:embed handlers/auth/actions.go handlers/auth/copy.go handlers/auth/program.go
//go:embed handlers/course/play.go
//go:embed handlers/engines/actions.go handlers/engines/servers.go
//go:embed handlers/lanes/lane.go handlers/lanes/plain.go handlers/lanes/session.go handlers/lanes/signed.go
//go:embed handlers/lanes/tamper.go handlers/lanes/token.go
//go:embed handlers/lessons/4096-bytes.go handlers/lessons/ends.go handlers/lessons/forgets.go handlers/lessons/key.go
//go:embed handlers/lessons/logout.go handlers/lessons/other-site.go handlers/lessons/plain.go handlers/lessons/planted.go
//go:embed handlers/lessons/scope.go handlers/lessons/script.go handlers/lessons/stolen.go handlers/lessons/token.go
//go:embed handlers/revoke/sessions.go handlers/tokens/api.go
//go:embed sessions/backend.go sessions/cached.go sessions/carrier.go sessions/codec.go sessions/expiry.go
//go:embed sessions/key.go sessions/manager.go sessions/session.go sessions/signed_cookies.go
var files embed.FS
