// Lines for a terminal that get a token, use it and end it.

package auth

import (
	"encoding/json"

	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
)

// TokenCurl holds lines for a terminal, which get a token, use it and end it. Each works as
// pasted into a POSIX shell, after Get.
type TokenCurl struct{ Get, Ask, End string }

// TokenCurl returns the lines for a name, and for the lab at a host, as a Host header names
// it. No page shows the teacher's PIN, so for the teacher they name a student.
func (a *Auth) TokenCurl(host, name string) TokenCurl {
	if name == TeacherName {
		name = "alice"
	}
	body, _ := json.Marshal(map[string]string{"username": name, "password": a.classPassword}) // texts always fit
	return TokenCurl{
		Get: `TOKEN=$(curl -s -H 'Content-Type: application/json' -d '` + markup.Quoted(string(body)) + `' 'http://` + host + `/api/token' | sed 's/.*"token":"\([^"]*\)".*/\1/'); echo "$TOKEN"`,
		Ask: `curl -i -H "Authorization: ` + lanes.TokenScheme + ` $TOKEN" 'http://` + host + `/api/whoami'`,
		End: `curl -i -X DELETE -H "Authorization: ` + lanes.TokenScheme + ` $TOKEN" 'http://` + host + `/api/token'`,
	}
}
