// Lines for a terminal that get a token, use it and end it.

package auth

import (
	"encoding/json"

	"cookielab/handlers/lanes"
	"cookielab/handlers/markup"
)

// TokenCurl are the lines for a terminal; each works as pasted.
type TokenCurl struct{ Get, Ask, End string }

// TokenCurl are the lines that get a token, use it and end it in a terminal. The
// teacher's PIN stands on no page, so their example is a student.
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
