package sessions_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestTheDefaultsAreDjangos(t *testing.T) {
	o := sessions.DefaultOptions()
	storetest.Equal(t, "Name", o.Name, "sessionid")
	storetest.Equal(t, "Path", o.Path, "/")
	storetest.Equal(t, "Domain", o.Domain, "")
	storetest.Equal(t, "Secure", o.Secure, false)
	storetest.Equal(t, "HTTPOnly", o.HTTPOnly, true)
	storetest.Equal(t, "SameSite", o.SameSite, http.SameSiteLaxMode)
	storetest.Equal(t, "Age", o.Age, 1209600*time.Second)
	storetest.Equal(t, "ExpireAtBrowserClose", o.ExpireAtBrowserClose, false)
	storetest.Equal(t, "SaveEveryRequest", o.SaveEveryRequest, false)
	storetest.Equal(t, "DropRejected", o.DropRejected, false) // Django: as if true
	storetest.Is(t, "Validate", o.Validate(), nil)
}

func TestAnOptionThatCannotWorkIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sessions.Options)
		want   string // the option, "" for none
	}{
		"other name":      {func(o *sessions.Options) { o.Name = "lab_sessionid" }, ""},
		"no name":         {func(o *sessions.Options) { o.Name = "" }, "Name"},
		"name with space": {func(o *sessions.Options) { o.Name = "a b" }, "Name"},
		"name with =":     {func(o *sessions.Options) { o.Name = "a=b" }, "Name"},
		"name with ;":     {func(o *sessions.Options) { o.Name = "a;b" }, "Name"},
		"Chinese name":    {func(o *sessions.Options) { o.Name = "曲奇" }, "Name"},
		"line break":      {func(o *sessions.Options) { o.Name = "a\r\nSet-Cookie: b" }, "Name"},

		"deeper path":        {func(o *sessions.Options) { o.Path = "/app/" }, ""},
		"no path":            {func(o *sessions.Options) { o.Path = "" }, "Path"},
		"relative path":      {func(o *sessions.Options) { o.Path = "app" }, "Path"},
		"path with ;":        {func(o *sessions.Options) { o.Path = "/a;b" }, "Path"},
		"path with break":    {func(o *sessions.Options) { o.Path = "/a\r\nb" }, "Path"},
		"path with control":  {func(o *sessions.Options) { o.Path = "/a\x01" }, "Path"}, // net/http would leave it out
		"path beyond ASCII":  {func(o *sessions.Options) { o.Path = "/曲奇" }, "Path"},    // likewise: the cookie would be for /
		"path in URL quotes": {func(o *sessions.Options) { o.Path = "/%E6%9B%B2" }, ""},

		"domain":            {func(o *sessions.Options) { o.Domain = "example.com" }, ""},
		"domain with dot":   {func(o *sessions.Options) { o.Domain = ".example.com" }, ""},
		"domain with port":  {func(o *sessions.Options) { o.Domain = "example.com:80" }, "Domain"},
		"domain with slash": {func(o *sessions.Options) { o.Domain = "example.com/" }, "Domain"},
		"domain with break": {func(o *sessions.Options) { o.Domain = "example.com\r\n" }, "Domain"},

		"a second":         {func(o *sessions.Options) { o.Age = time.Second }, ""},
		"400 days":         {func(o *sessions.Options) { o.Age = sessions.MaxAge }, ""},
		"a small quota":    {func(o *sessions.Options) { o.Quota = sessions.Quota{Records: 1, Bytes: 1} }, ""},
		"fewer than none":  {func(o *sessions.Options) { o.Quota.Records = -1 }, "Quota"},
		"less than none":   {func(o *sessions.Options) { o.Quota.Bytes = -1 }, "Quota"},
		"no age":           {func(o *sessions.Options) { o.Age = 0 }, "Age"},
		"negative age":     {func(o *sessions.Options) { o.Age = -time.Second }, "Age"},
		"half a second":    {func(o *sessions.Options) { o.Age = time.Second / 2 }, "Age"},
		"and a half":       {func(o *sessions.Options) { o.Age = 3 * time.Second / 2 }, "Age"},
		"beyond 400 days":  {func(o *sessions.Options) { o.Age = sessions.MaxAge + time.Second }, "Age"},
		"Strict":           {func(o *sessions.Options) { o.SameSite = http.SameSiteStrictMode }, ""},
		"no SameSite":      {func(o *sessions.Options) { o.SameSite = 0 }, "SameSite"},
		"default mode":     {func(o *sessions.Options) { o.SameSite = http.SameSiteDefaultMode }, "SameSite"},
		"unknown SameSite": {func(o *sessions.Options) { o.SameSite = 9 }, "SameSite"},
		"None, not Secure": {func(o *sessions.Options) { o.SameSite = http.SameSiteNoneMode }, "SameSite"},
		"None and Secure":  {func(o *sessions.Options) { o.SameSite, o.Secure = http.SameSiteNoneMode, true }, ""},

		"__Secure-":              {func(o *sessions.Options) { o.Name, o.Secure = "__Secure-a", true }, ""},
		"__Secure-, not Secure":  {func(o *sessions.Options) { o.Name = "__Secure-a" }, "Name"},
		"__SECURE-, not Secure":  {func(o *sessions.Options) { o.Name = "__SECURE-a" }, "Name"},
		"__Host-":                {func(o *sessions.Options) { o.Name, o.Secure = "__Host-a", true }, ""},
		"__Host-, not Secure":    {func(o *sessions.Options) { o.Name = "__Host-a" }, "Name"},
		"__host- with a path":    {func(o *sessions.Options) { o.Name, o.Secure, o.Path = "__host-a", true, "/a" }, "Name"},
		"__Host- with a domain":  {func(o *sessions.Options) { o.Name, o.Secure, o.Domain = "__Host-a", true, "example.com" }, "Name"},
		"only looks like prefix": {func(o *sessions.Options) { o.Name = "__Hostess" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := sessions.DefaultOptions()
			c.change(&o)
			err := o.Validate()
			_, newErr := sessions.New(sessions.Keyed("session", openMemory(t, nil)), o)
			if c.want == "" {
				storetest.Is(t, "Validate", err, nil)
				storetest.Is(t, "New", newErr, nil)
				return
			}
			storetest.Is(t, "Validate", err, sessions.ErrOption)
			storetest.Is(t, "New", newErr, sessions.ErrOption)
			if named := new(sessions.OptionError); !errors.As(err, &named) || named.Option != c.want {
				t.Errorf("%v does not name %s", err, c.want)
			}
		})
	}
}
