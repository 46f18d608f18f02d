// The program as its users run it: built once, started on a free port with a
// data folder of its own, asked over HTTP, stopped, killed, started again.
//
//   - TestProgram is the table of contents; its facts follow in that order:
//     the start, the settings, the keys, restarts, kill -9, signals, limits.
//   - TestServerLimits, TestKeyFileIsMadeWhole and TestClockSetBack look at
//     what cannot be seen from outside, or not without waiting.
//   - At the end: program (a built binary), lab (a running one), visitor (a
//     browser with its cookies).
package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cookielab/handlers"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

func TestProgram(t *testing.T) {
	p := build(t)

	t.Run("the start says where the lab is and how to get in", p.greets)
	t.Run("the log repeats no password, PIN, key or cookie", p.logsNoSecret)
	t.Run("it listens on loopback, by both of its addresses", p.listens)

	t.Run("a bad setting ends the start with one line that names it", p.refusesBadSettings)
	t.Run("an error does not repeat a secret", p.repeatsNoSecret)
	t.Run("a port in use ends the start", p.refusesBusyPort)
	t.Run("each setting works as a flag and as a variable", p.takesSettings)
	t.Run("flags beat variables", p.prefersFlags)
	t.Run("the cookie's settings reach the cookie", p.dressesCookie)
	t.Run("help names every setting", p.helps)

	t.Run("key, database and folder are private", p.keepsPrivate)
	t.Run("a key file that others may read is refused", p.refusesOpenKey)
	t.Run("a lost key breaks seals and no session", p.losesKey)
	t.Run("keys can be rotated", p.rotatesKeys)

	t.Run("a restart keeps what the engine keeps", p.restarts)
	t.Run("two programs on one folder share everything but memory", p.shares)
	t.Run("kill -9 in a storm of writes loses nothing that was answered", p.survivesKill)

	t.Run("a signal lets the request under way finish", p.finishesRequests)
	t.Run("a second signal ends the program at once", p.endsAtOnce)
	t.Run("an open stream does not hold the end up", p.endsStreams)

	t.Run("a header of 40 KB is refused", p.limitsHeader)
}

// The start.

func (p program) greets(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new", "folder")
	l := p.start(t, "--data="+data, "--engine=cache", "--class-password=open sesame", "--teacher-pin=271828")

	for what, line := range map[string]string{
		"address":        "Open            " + l.url + "/dashboard\n",
		"class password": "Class password  open sesame\n",
		"PIN":            `Teacher         name "teacher", PIN 271828` + "\n",
		"engine":         "Engine          cache (memory)\n",
		"data folder":    "Data            " + data + "\n",
	} {
		if !strings.Contains(l.stdout.String(), line) {
			t.Errorf("%s: no line %q in\n%s", what, line, l.stdout)
		}
	}
	if key := readKey(t, data); strings.Contains(l.stdout.String(), key) {
		t.Errorf("the signing key is printed:\n%s", l.stdout)
	}
	if left := list(t, l.folder); len(left) > 0 {
		t.Errorf("the folder it was started in has %v afterwards; everything belongs into the data folder", left)
	}
	if status := (visitor{}).get(t, l.site, "/dashboard").status; status != http.StatusOK {
		t.Errorf("the printed address answers %d", status)
	}
	t.Run("a PIN that nobody chose has six digits and differs", func(t *testing.T) {
		pins := map[string]bool{}
		for range 3 {
			found := regexp.MustCompile(`PIN (\d{6})\n`).FindStringSubmatch(p.start(t).stdout.String())
			if found == nil {
				t.Fatal("no PIN of six digits is printed")
			}
			pins[found[1]] = true
		}
		if len(pins) == 1 {
			t.Errorf("three starts drew the same PIN: %v", pins)
		}
	})
}

func (p program) logsNoSecret(t *testing.T) {
	const password, wrong, pin = "the-class-word", "a-wrong-word", "271828"
	secret := newSecret('k')
	data := t.TempDir()
	l := p.start(t, "--data="+data, "--class-password="+password, "--teacher-pin="+pin, "SECRET_KEY="+secret)

	v := visitor{}
	v.get(t, l.site, "/dashboard")
	v.post(t, l.site, "/login", url.Values{"username": {"alice"}, "password": {wrong}})
	v.post(t, l.site, "/login", url.Values{"username": {"alice"}, "password": {password}})
	seen := maps.Clone(v)
	v.post(t, l.site, "/act/edit", nil)
	v.post(t, l.site, "/act/copy", nil)
	maps.Copy(v, seen)
	v.post(t, l.site, "/logout", nil)
	v.post(t, l.site, "/login", url.Values{"username": {"teacher"}, "pin": {pin}})
	l.stop(t)

	log := l.stderr.String()
	if !strings.Contains(log, "signed in") {
		t.Fatalf("the log says nothing about the logins:\n%s", log)
	}
	for what, text := range map[string]string{
		"class password": password, "wrong password": wrong, "PIN": pin, "key": secret,
		"session cookie": seen["lab_sessionid"], "signed cookie": seen["signed_user"], "notebook": seen["lab_notebook"],
	} {
		if text == "" || strings.Contains(log, text) {
			t.Errorf("the log has the %s (%q):\n%s", what, text, log)
		}
	}
}

func (p program) listens(t *testing.T) {
	const four, six = "127.0.0.1", "[::1]"
	both := []string{four, six}
	if !hasIPv6() {
		both = both[:1]
	}
	cases := []struct {
		addr string
		want []string
	}{
		{"localhost:0", both},
		{"LocalHost:0", both},
		{"127.0.0.1:0", []string{four}},
		{"[::1]:0", []string{six}},
	}
	for _, c := range cases {
		if !hasIPv6() && slices.Contains(c.want, six) {
			continue
		}
		t.Run(c.addr, func(t *testing.T) {
			l := p.start(t, "--addr="+c.addr)
			for _, host := range []string{four, six} {
				a, err := visitor{}.ask(newSite(t, "http://"+host+":"+l.port()), http.MethodGet, "/healthz", nil)
				if served := err == nil && a.status == http.StatusOK; served != slices.Contains(c.want, host) {
					t.Errorf("%s is served: %v (%v)", host, served, err)
				}
			}
			note := strings.Contains(l.stdout.String(), "no IPv6")
			if wanted := !hasIPv6() && strings.EqualFold(c.addr, "localhost:0"); note != wanted {
				t.Errorf("the start says that there is no IPv6: %v", note)
			}
		})
	}
}

// The settings.

func (p program) refusesBadSettings(t *testing.T) {
	folder := t.TempDir()
	noFolder, noDatabase := filepath.Join(folder, "file"), filepath.Join(folder, "prose.db")
	for _, name := range []string{noFolder, noDatabase} {
		if err := os.WriteFile(name, []byte(strings.Repeat("This is not a database. ", 99)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	short := base64.StdEncoding.EncodeToString(make([]byte, 31))

	cases := []struct {
		name     string
		settings []string
		want     string
	}{
		{"an address without a port", []string{"--addr=localhost"}, "--addr"},
		{"an address that is none", []string{"--addr=bad"}, "--addr"},
		{"a port that is none", []string{"--addr=localhost:99999"}, "--addr"},
		{"every address of the machine", []string{"--addr=0.0.0.0:0"}, "--addr"},
		{"every address, IPv6", []string{"--addr=[::]:0"}, "--addr"},
		{"no host, which means every address", []string{"--addr=:0"}, "--addr"},
		{"an address of the LAN", []string{"--addr=192.168.1.5:0"}, "--addr"},
		{"a loopback address whose requests would all be refused", []string{"--addr=127.0.0.2:0"}, "--addr"},
		{"a name", []string{"--addr=lab.example:0"}, "--addr"},
		{"an address, by its variable", []string{"COOKIELAB_ADDR=0.0.0.0:0"}, "--addr"},

		{"an engine that does not exist", []string{"--engine=files"}, "--engine"},
		{"an engine that does not exist, by its variable", []string{"SESSION_ENGINE=memcached"}, "--engine"},
		{"another database", []string{"--database-url=mysql://db.example/lab"}, "--database-url"},
		{"a database that is a folder", []string{"--database-url=" + folder}, "--database-url"},
		{"a database that is none", []string{"--database-url=" + noDatabase}, "--database-url"},
		{"a database in a folder that is not there", []string{"--database-url=missing/lab.db"}, "--database-url"},
		{"a data folder that is a file", []string{"--data=" + noFolder}, "--data"},
		{"a data folder in a file", []string{"--data=" + filepath.Join(noFolder, "data")}, "--data"},
		{"a line break in a setting", []string{"--database-url=two\nlines/lab.db"}, "--database-url"},
		{"an empty class password", []string{"--class-password="}, "--class-password"},
		{"a flag that does not exist", []string{"--frobnicate"}, "--frobnicate"},
		{"a word that is no flag", []string{"--data=" + folder, "--", "frobnicate"}, "frobnicate"},
		{"a flag without its value", []string{"--allow-host"}, "--allow-host"},

		{"SameSite of an unknown kind", []string{"SESSION_COOKIE_SAMESITE=Sometimes"}, "SESSION_COOKIE_SAMESITE"},
		{"SameSite=None without Secure", []string{"SESSION_COOKIE_SAMESITE=None"}, "SESSION_COOKIE_SAMESITE"},
		{"no age", []string{"SESSION_COOKIE_AGE=0"}, "SESSION_COOKIE_AGE"},
		{"a negative age", []string{"SESSION_COOKIE_AGE=-1"}, "SESSION_COOKIE_AGE"},
		{"an age that is no number", []string{"SESSION_COOKIE_AGE=abc"}, "SESSION_COOKIE_AGE"},
		{"an age beyond 400 days", []string{"SESSION_COOKIE_AGE=34560001"}, "SESSION_COOKIE_AGE"},
		{"an age that a duration cannot hold", []string{"SESSION_COOKIE_AGE=9223372036854775807"}, "SESSION_COOKIE_AGE"},
		{"a truth that is none", []string{"SESSION_COOKIE_SECURE=perhaps"}, "SESSION_COOKIE_SECURE"},
		{"a name with a space", []string{"SESSION_COOKIE_NAME=two words"}, "SESSION_COOKIE_NAME"},
		{"no name", []string{"SESSION_COOKIE_NAME="}, "SESSION_COOKIE_NAME"},
		{"the name of the plain way", []string{"SESSION_COOKIE_NAME=plain_user"}, "SESSION_COOKIE_NAME"},
		{"the name of the signed way", []string{"SESSION_COOKIE_NAME=signed_user"}, "SESSION_COOKIE_NAME"},
		{"the notebook's name", []string{"SESSION_COOKIE_NAME=lab_notebook"}, "SESSION_COOKIE_NAME"},
		{"a __Host- name without Secure", []string{"SESSION_COOKIE_NAME=__Host-id"}, "SESSION_COOKIE_NAME"},
		{"a path without /", []string{"SESSION_COOKIE_PATH=lab"}, "SESSION_COOKIE_PATH"},
		{"a domain that is none", []string{"SESSION_COOKIE_DOMAIN=a;b"}, "SESSION_COOKIE_DOMAIN"},

		{"a key that is too short", []string{"SECRET_KEY=" + short}, "SECRET_KEY:"},
		{"a key that is not base64", []string{"SECRET_KEY=*"}, "SECRET_KEY:"},
		{"a fallback that is too short", []string{"SECRET_KEY_FALLBACKS=" + newSecret('f') + "," + short}, "SECRET_KEY_FALLBACKS:"},
		{"a fallback that is not base64", []string{"SECRET_KEY_FALLBACKS=*"}, "SECRET_KEY_FALLBACKS:"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if line := p.refuse(t, c.settings...); !strings.Contains(line, c.want) {
				t.Errorf("the error does not name %s: %q", c.want, line)
			}
		})
	}
}

func (p program) repeatsNoSecret(t *testing.T) {
	const secret = "tGx7QmVw"
	keyFile := filepath.Join(t.TempDir(), "secret.key")
	if err := os.WriteFile(keyFile, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name     string
		settings []string
	}{
		{"a short key", []string{"SECRET_KEY=" + secret}},
		{"a key that is not base64", []string{"SECRET_KEY=*" + secret}},
		{"a short fallback", []string{"SECRET_KEY_FALLBACKS=" + secret}},
		{"a fallback that is not base64", []string{"SECRET_KEY_FALLBACKS=*" + secret}},
		{"a short key in the key file", []string{"--data=" + filepath.Dir(keyFile)}},
		{"the password of a database", []string{"--database-url=postgres://lab:" + secret + "@db.example/lab"}},
		{"the PIN, when another setting is bad", []string{"--teacher-pin=" + secret, "--addr=bad"}},
		{"the class password, when another setting is bad", []string{"COOKIELAB_CLASS_PASSWORD=" + secret, "SESSION_COOKIE_AGE=abc"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if line := p.refuse(t, c.settings...); strings.Contains(line, secret) {
				t.Errorf("the secret is repeated: %q", line)
			}
		})
	}
}

func (p program) refusesBusyPort(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		if host == "::1" && !hasIPv6() {
			continue
		}
		t.Run("on "+host+" alone", func(t *testing.T) {
			other, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			_, port, _ := net.SplitHostPort(other.Addr().String())
			line := p.refuse(t, "--addr=localhost:"+port)
			if !strings.Contains(line, "--addr") || !strings.Contains(line, "in use") {
				t.Errorf("the error does not say that the port is in use: %q", line)
			}
		})
	}
}

func (p program) takesSettings(t *testing.T) {
	data := t.TempDir()
	signsIn := func(form url.Values) func(*testing.T, *lab) {
		return func(t *testing.T, l *lab) {
			if status := (visitor{}).post(t, l.site, "/login", form).status; status != http.StatusSeeOther {
				t.Errorf("signing in with %v is answered %d", form, status)
			}
		}
	}
	prints := func(line string) func(*testing.T, *lab) {
		return func(t *testing.T, l *lab) {
			if !strings.Contains(l.stdout.String(), line) {
				t.Errorf("the start does not say %q:\n%s", line, l.stdout)
			}
		}
	}
	cases := []struct {
		flag, variable, value string
		works                 func(*testing.T, *lab)
	}{
		{"--addr", "COOKIELAB_ADDR", "127.0.0.1:0", prints("http://127.0.0.1:")},
		{"--engine", "SESSION_ENGINE", "cache", prints("Engine          cache (memory)\n")},
		{"--data", "COOKIELAB_DATA", data, prints("Data            " + data + "\n")},
		{"--class-password", "COOKIELAB_CLASS_PASSWORD", "sesame", signsIn(url.Values{"username": {"alice"}, "password": {"sesame"}})},
		{"--teacher-pin", "COOKIELAB_TEACHER_PIN", "271828", signsIn(url.Values{"username": {"teacher"}, "pin": {"271828"}})},
		{"--database-url", "COOKIELAB_DATABASE_URL", "class.db", func(t *testing.T, l *lab) {
			if files := list(t, l.data); !slices.Contains(files, "class.db") || slices.Contains(files, "cookielab.db") {
				t.Errorf("the data folder has %v", files)
			}
		}},
		{"--database-url", "COOKIELAB_DATABASE_URL", "sqlite:class.db", func(t *testing.T, l *lab) {
			if files := list(t, l.data); !slices.Contains(files, "class.db") {
				t.Errorf("the data folder has %v", files)
			}
		}},
		{"--allow-host", "COOKIELAB_ALLOW_HOST", "lab.example,b.example:81", func(t *testing.T, l *lab) {
			for host, want := range map[string]int{"lab.example": 200, "b.example:81": 200, "b.example": 421, "c.example": 421} {
				request, err := http.NewRequest(http.MethodGet, l.url+"/healthz", nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Host = host
				response, err := l.client.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("the host %s is answered %d, want %d", host, response.StatusCode, want)
				}
			}
		}},
	}
	for _, c := range cases {
		for _, name := range []string{c.flag, c.variable} {
			t.Run(name+"="+filepath.Base(c.value), func(t *testing.T) {
				c.works(t, p.start(t, name+"="+c.value))
			})
		}
	}
	t.Run("without --data it is the user's configuration folder", func(t *testing.T) {
		l := p.start(t, "COOKIELAB_DATA=")
		if !strings.HasPrefix(l.data, l.home) || !slices.Contains(list(t, l.data), "cookielab.db") {
			t.Errorf("the data folder is %s, not below %s", l.data, l.home)
		}
	})
}

func (p program) prefersFlags(t *testing.T) {
	l := p.start(t,
		"SESSION_ENGINE=db", "--engine=cache",
		"SESSION_COOKIE_NAME=by_variable", "--session-cookie-name=by_flag",
		"SESSION_COOKIE_HTTPONLY=true", "--no-session-cookie-httponly",
		"SESSION_COOKIE_AGE=120", "--session-cookie-age=60")
	if !strings.Contains(l.stdout.String(), "Engine          cache (memory)\n") {
		t.Errorf("another engine was taken:\n%s", l.stdout)
	}
	want := "by_flag; Path=/; Expires; Max-Age=60; SameSite=Lax"
	if got := sessionCookie(t, l, "by_flag"); got != want {
		t.Errorf("the cookie is\n%s, want\n%s", got, want)
	}
}

func (p program) dressesCookie(t *testing.T) {
	cases := []struct{ variable, flag, want string }{
		{"", "", "lab_sessionid; Path=/; Expires; Max-Age=1209600; HttpOnly; SameSite=Lax"},
		{"SESSION_COOKIE_NAME=other", "--session-cookie-name=other", "other; Path=/; Expires; Max-Age=1209600; HttpOnly; SameSite=Lax"},
		{"SESSION_COOKIE_PATH=/door", "--session-cookie-path=/door", "lab_sessionid; Path=/door; Expires; Max-Age=1209600; HttpOnly; SameSite=Lax"},
		{"SESSION_COOKIE_DOMAIN=lab.localhost", "--session-cookie-domain=lab.localhost", "lab_sessionid; Path=/; Domain=lab.localhost; Expires; Max-Age=1209600; HttpOnly; SameSite=Lax"},
		{"SESSION_COOKIE_SECURE=True", "--session-cookie-secure", "lab_sessionid; Path=/; Expires; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax"},
		{"SESSION_COOKIE_HTTPONLY=false", "--no-session-cookie-httponly", "lab_sessionid; Path=/; Expires; Max-Age=1209600; SameSite=Lax"},
		{"SESSION_COOKIE_SAMESITE=strict", "--session-cookie-samesite=Strict", "lab_sessionid; Path=/; Expires; Max-Age=1209600; HttpOnly; SameSite=Strict"},
		{"SESSION_COOKIE_AGE=34560000", "--session-cookie-age=34560000", "lab_sessionid; Path=/; Expires; Max-Age=34560000; HttpOnly; SameSite=Lax"},
		{"SESSION_EXPIRE_AT_BROWSER_CLOSE=true", "--session-expire-at-browser-close", "lab_sessionid; Path=/; HttpOnly; SameSite=Lax"},
	}
	for _, c := range cases {
		for _, setting := range slices.Compact([]string{c.variable, c.flag}) {
			t.Run("with "+setting, func(t *testing.T) {
				name, _, _ := strings.Cut(c.want, ";")
				if got := sessionCookie(t, p.start(t, strings.Fields(setting)...), name); got != c.want {
					t.Errorf("the cookie is\n%s, want\n%s", got, c.want)
				}
			})
		}
	}
	t.Run("SameSite=None together with Secure", func(t *testing.T) {
		l := p.start(t, "SESSION_COOKIE_SAMESITE=None", "SESSION_COOKIE_SECURE=true", "SESSION_COOKIE_NAME=__Host-id")
		want := "__Host-id; Path=/; Expires; Max-Age=1209600; HttpOnly; Secure; SameSite=None"
		if got := sessionCookie(t, l, "__Host-id"); got != want {
			t.Errorf("the cookie is\n%s, want\n%s", got, want)
		}
	})
	for _, setting := range []string{"SESSION_SAVE_EVERY_REQUEST=false", "SESSION_SAVE_EVERY_REQUEST=true"} {
		t.Run("with "+setting, func(t *testing.T) {
			l := p.start(t, setting)
			v := visitor{}
			v.signIn(t, l.site, "alice")
			again := v.get(t, l.site, "/api/lanes").cookie("lab_sessionid") != nil
			if again != strings.HasSuffix(setting, "true") {
				t.Errorf("a request that only looks sets the session's cookie anew: %v", again)
			}
		})
	}
}

func (p program) helps(t *testing.T) {
	run := p.launch(t, "--help")
	<-run.exited
	if code := run.command.ProcessState.ExitCode(); code != 0 || run.stderr.String() != "" {
		t.Errorf("the exit code is %d, the log %q", code, run.stderr)
	}
	for _, name := range []string{
		"--addr", "COOKIELAB_ADDR", "--allow-host", "COOKIELAB_ALLOW_HOST", "--data", "COOKIELAB_DATA",
		"--engine", "SESSION_ENGINE", "--database-url", "COOKIELAB_DATABASE_URL",
		"--class-password", "COOKIELAB_CLASS_PASSWORD", "--teacher-pin", "COOKIELAB_TEACHER_PIN",
		"--session-cookie-name", "SESSION_COOKIE_NAME", "--session-cookie-path", "SESSION_COOKIE_PATH",
		"--session-cookie-domain", "SESSION_COOKIE_DOMAIN", "session-cookie-secure", "SESSION_COOKIE_SECURE",
		"session-cookie-httponly", "SESSION_COOKIE_HTTPONLY", "--session-cookie-samesite", "SESSION_COOKIE_SAMESITE",
		"--session-cookie-age", "SESSION_COOKIE_AGE", "session-expire-at-browser-close", "SESSION_EXPIRE_AT_BROWSER_CLOSE",
		"session-save-every-request", "SESSION_SAVE_EVERY_REQUEST", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "secret.key",
	} {
		if !strings.Contains(run.stdout.String(), name) {
			t.Errorf("%s is not named", name)
		}
	}
}

// The keys.

func (p program) keepsPrivate(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	l := p.start(t, "--data="+data)
	visitor{}.signIn(t, l.site, "alice") // so that the database has its WAL

	key, err := base64.StdEncoding.DecodeString(readKey(t, data))
	if err != nil || len(key) < 32 {
		t.Errorf("the key has %d bytes (%v)", len(key), err)
	}
	if other := p.start(t); readKey(t, other.data) == readKey(t, data) {
		t.Error("two folders have the same key")
	}
	files := list(t, data)
	want := []string{"cookielab.db", "cookielab.db-shm", "cookielab.db-wal", "secret.key"}
	if !slices.Equal(files, want) {
		t.Errorf("the data folder has %v, want %v", files, want)
	}
	if runtime.GOOS == "windows" {
		return // which knows no such bits
	}
	for _, name := range append(files, ".") {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		want := fs.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has the mode %04o, want %04o", name, info.Mode().Perm(), want)
		}
	}
}

func (p program) refusesOpenKey(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Go sees no such bits on Windows; the folder's own protection has to do")
	}
	cases := []struct {
		mode  fs.FileMode
		taken bool
	}{
		{0o600, true}, {0o400, true},
		{0o640, false}, {0o620, false}, {0o604, false}, {0o644, false}, {0o666, false},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%04o", c.mode), func(t *testing.T) {
			data := t.TempDir()
			file := filepath.Join(data, "secret.key")
			if err := os.WriteFile(file, []byte(newSecret('k')), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, c.mode); err != nil { // not cut by umask
				t.Fatal(err)
			}
			if c.taken {
				p.start(t, "--data="+data)
				return
			}
			line := p.refuse(t, "--data="+data)
			if !strings.Contains(line, "chmod 600") || !strings.Contains(line, file) {
				t.Errorf("the error does not say what to do with which file: %q", line)
			}
			if readKey(t, data) != newSecret('k') {
				t.Error("the key is another one afterwards")
			}
			// A key from elsewhere needs no file.
			p.start(t, "--data="+data, "SECRET_KEY="+newSecret('e'))
		})
	}
}

func (p program) losesKey(t *testing.T) {
	data := t.TempDir()
	v := visitor{}
	l := p.start(t, "--data="+data)
	v.signIn(t, l.site, "alice")
	v.expect(t, l.site, "believed verified found")
	l.stop(t)

	if err := os.Remove(filepath.Join(data, "secret.key")); err != nil {
		t.Fatal(err)
	}
	v.expect(t, p.start(t, "--data="+data).site, "believed tampered found")
}

func (p program) rotatesKeys(t *testing.T) {
	data := t.TempDir()
	first, second := newSecret('\xfb'), newSecret('\xff')             // base64 has + and / for these
	spelled := strings.NewReplacer("+", "-", "/", "_").Replace(first) // the other alphabet, as others write it
	spelled = strings.TrimRight(spelled, "=")
	old, fresh := visitor{}, visitor{}

	steps := []struct {
		name               string
		settings           []string
		wantOld, wantFresh string
	}{
		{"the first key", []string{"SECRET_KEY=" + first}, "believed verified found", ""},
		{"a new key, the first as fallback", []string{"SECRET_KEY=" + second, "SECRET_KEY_FALLBACKS=" + newSecret('x') + ", " + spelled},
			"believed verified found", "believed verified found"},
		{"the fallback dropped", []string{"SECRET_KEY=" + second}, "believed tampered found", "believed verified found"},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			l := p.start(t, append(step.settings, "--data="+data)...)
			defer l.stop(t)
			for name, who := range map[string]struct {
				visitor
				want string
			}{"old": {old, step.wantOld}, "fresh": {fresh, step.wantFresh}} {
				if who.want == "" {
					continue
				}
				if len(who.visitor) == 0 {
					who.signIn(t, l.site, name)
				}
				who.expect(t, l.site, who.want)
				for path, want := range map[string]int{"/dashboard": http.StatusOK, "/door/signed": http.StatusForbidden} {
					if status := who.get(t, l.site, path).status; status != want {
						t.Errorf("%s: %s is answered %d, want %d", name, path, status, want)
					}
				}
			}
			if files := list(t, data); slices.Contains(files, "secret.key") {
				t.Error("a key file was made, though the key comes from elsewhere")
			}
		})
	}
}

// Restarts, and kill -9.

func (p program) restarts(t *testing.T) {
	for engine, want := range map[string]string{
		"db":    "believed verified found",
		"cache": "believed verified unknown",
	} {
		t.Run(engine, func(t *testing.T) {
			data := t.TempDir()
			v := visitor{}
			l := p.start(t, "--data="+data, "--engine="+engine)
			v.signIn(t, l.site, "alice")
			v.expect(t, l.site, "believed verified found")
			l.stop(t)

			l = p.start(t, "--data="+data, "--engine="+engine)
			v.expect(t, l.site, want)
			if !v.lanes(t, l.site).Session.noted() {
				t.Error("the notebook does not know this browser any more")
			}
			v.signIn(t, l.site, "alice") // whatever lay there
			v.expect(t, l.site, "believed verified found")
		})
	}
}

func (p program) shares(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data") // made by whoever is first
	a, b := p.launch(t, "--data="+data), p.launch(t, "--data="+data)
	a.await(t)
	b.await(t)

	v := visitor{}
	v.signIn(t, a.site, "alice")
	v.expect(t, b.site, "believed verified found")
	if session := v.lanes(t, b.site).Session; session.user() != "alice" || !session.noted() {
		t.Errorf("the second program knows the user %q, the notebook: %v", session.user(), session.noted())
	}
	copied := maps.Clone(v)
	if status := v.post(t, b.site, "/logout", nil).status; status != http.StatusSeeOther {
		t.Fatalf("the logout is answered %d", status)
	}
	v.expect(t, a.site, "absent absent absent")
	copied.expect(t, a.site, "believed verified unknown")
	if v.lanes(t, a.site).Session.noted() {
		t.Error("the first program's notebook does not know of the logout")
	}
}

func (p program) survivesKill(t *testing.T) {
	// Few requests are in the air when a kill comes, so several kills.
	const kills, workers, answers = 6, 12, 120
	data := t.TempDir()
	var claims []claim
	for kill := range kills {
		l := p.start(t, "--data="+data)
		s := &storm{site: l.site, enough: make(chan struct{}), answers: answers}
		for worker := range workers {
			s.running.Go(func() { s.blow(t, fmt.Sprintf("k%d-w%d", kill, worker), worker%2 == 0) })
		}
		select {
		case <-s.enough:
		case <-time.After(patience):
			t.Errorf("the storm came to nothing within %v", patience)
		}
		l.kill(t)
		s.running.Wait()
		claims = append(claims, s.claims...)
	}

	l := p.start(t, "--data="+data)
	counts := map[string]int{}
	for _, c := range claims {
		session := c.visitor.lanes(t, l.site).Session
		keepsNotebook := c.visitor["lab_notebook"] != ""
		if session.Verdict != c.verdict || (c.verdict == "found" && (session.user() != c.user || session.noted() != keepsNotebook)) {
			t.Errorf("%s was answered that the session is %s; after the kill it is %s of %q, the notebook knows it: %v",
				c.user, c.verdict, session.Verdict, session.user(), session.noted())
		}
		counts[c.verdict]++
	}
	if counts["found"] < kills*answers/10 || counts["unknown"] < kills*answers/10 {
		t.Errorf("only %v were claimed: the storm does not show what it should", counts)
	}
	l.stop(t)
	checkDatabase(t, data)
}

// storm is many visitors who sign in, move to a new key and sign out, as fast
// as they are answered, until the program is gone. What was answered is a
// claim; what was asked but not answered may be either way, so nobody claims it.
type storm struct {
	site    site
	enough  chan struct{} // closed after so many answers
	answers int64
	running sync.WaitGroup

	answered atomic.Int64
	mu       sync.Mutex
	claims   []claim
}

// claim is what a visitor was promised: with these cookies, this verdict.
type claim struct {
	visitor       visitor
	user, verdict string
}

// blow is one worker. Without its notebook a visitor is like a program that
// keeps only its key: the session is all that a request writes then, with no
// later write to wait for.
func (s *storm) blow(t *testing.T, worker string, withNotebook bool) {
	for i := 0; ; i++ {
		v, user := visitor{}, fmt.Sprintf("%s-%d", worker, i)
		if !s.post(t, v, "/login", signInForm(user)) {
			return
		}
		if !withNotebook {
			delete(v, "lab_notebook")
		}
		for _, path := range [][]string{{}, {"/logout"}, {"/act/restore"}, {"/act/restore", "/logout"}}[i%4] {
			before := maps.Clone(v)
			if !s.post(t, v, path, nil) {
				return
			}
			s.claim(claim{before, user, "unknown"})
		}
		if v["lab_sessionid"] != "" {
			s.claim(claim{v, user, "found"})
		}
	}
}

// post reports whether it was answered.
func (s *storm) post(t *testing.T, v visitor, path string, form url.Values) bool {
	a, err := v.ask(s.site, http.MethodPost, path, form)
	if err != nil {
		return false
	}
	if a.status != http.StatusSeeOther {
		t.Errorf("%s is answered %d", path, a.status)
		return false
	}
	if s.answered.Add(1) == s.answers {
		close(s.enough)
	}
	return true
}

func (s *storm) claim(c claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims = append(s.claims, c)
}

// Signals.

func (p program) finishesRequests(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("one program cannot send another a signal on Windows")
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			data := t.TempDir()
			l := p.start(t, "--data="+data)
			idle := visitor{}
			idle.get(t, l.site, "/dashboard") // its connection stays open, and keeps nobody waiting

			login := beginLogin(t, l)
			l.signal(t, signal)
			l.awaitClosed(t)
			response := login.finish(t)
			if response.StatusCode != http.StatusSeeOther {
				t.Errorf("the request under way is answered %d", response.StatusCode)
			}
			<-l.exited
			if code := l.command.ProcessState.ExitCode(); code != 0 {
				t.Errorf("the exit code is %d; the log:\n%s", code, l.stderr)
			}
			if files := list(t, data); !slices.Equal(files, []string{"cookielab.db", "secret.key"}) {
				t.Errorf("the database was not closed: %v", files)
			}
			checkDatabase(t, data)

			v := visitor{}
			v.take(response.Cookies())
			l = p.start(t, "--data="+data)
			v.expect(t, l.site, "believed verified found")
			if user := v.lanes(t, l.site).Session.user(); user != login.user {
				t.Errorf("the session is of %q", user)
			}
		})
	}
}

func (p program) endsAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("one program cannot send another a signal on Windows")
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			data := t.TempDir()
			l := p.start(t, "--data="+data)
			beginLogin(t, l) // and never goes on
			l.signal(t, signal)
			l.awaitClosed(t)
			l.signal(t, signal)
			<-l.exited
			// -1: ended by the signal. Without it, the first one would have
			// ended the program by an error, when its patience was over.
			if code := l.command.ProcessState.ExitCode(); code != -1 {
				t.Errorf("the exit code is %d; the log:\n%s", code, l.stderr)
			}
			checkDatabase(t, data)
		})
	}
}

// endsStreams: somebody watches the wire live, and that reply has no end.
func (p program) endsStreams(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("one program cannot send another a signal on Windows")
	}
	l := p.start(t)
	v := visitor{}
	v.get(t, l.site, "/dashboard")
	connection, err := net.Dial("tcp", l.host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	fmt.Fprintf(connection, "GET /wire/events HTTP/1.1\r\nHost: %s\r\nCookie: lab_notebook=%s\r\n\r\n", l.host(), v["lab_notebook"])
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the stream is answered %v, %v", response, err)
	}
	defer response.Body.Close()
	events := bufio.NewReader(response.Body)
	for line := ""; !strings.HasPrefix(line, "id: 1"); { // it is under way
		if line, err = events.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	told := time.Now()
	l.signal(t, os.Interrupt)
	if _, err := io.Copy(io.Discard, events); err != nil {
		t.Errorf("the stream breaks off: %v", err)
	}
	<-l.exited
	// Ten seconds are what the program would wait for a reply that does not end.
	if took := time.Since(told); took > 8*time.Second {
		t.Errorf("the end takes %v", took)
	}
	if code := l.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the exit code is %d; the log:\n%s", code, l.stderr)
	}
}

// halfLogin is a POST /login of which the server has read the header and waits
// for the second half of the body.
type halfLogin struct {
	user  string
	conn  net.Conn
	reply *bufio.Reader
	rest  string
}

func beginLogin(t *testing.T, l *lab) *halfLogin {
	t.Helper()
	conn, err := net.Dial("tcp", l.host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	login := &halfLogin{user: "alice", conn: conn, reply: bufio.NewReader(conn)}
	body := signInForm(login.user).Encode()
	half := len(body) / 2
	login.rest = body[half:]
	// "100 Continue" comes when a handler begins to read the body: proof that
	// the request is under way.
	fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", l.host(), len(body))
	if response := login.read(t); response.StatusCode != http.StatusContinue {
		t.Fatalf("the header alone is answered %d", response.StatusCode)
	}
	fmt.Fprint(conn, body[:half])
	return login
}

func (login *halfLogin) finish(t *testing.T) *http.Response {
	t.Helper()
	fmt.Fprint(login.conn, login.rest)
	return login.read(t)
}

func (login *halfLogin) read(t *testing.T) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(login.reply, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	return response
}

// Limits.

func (p program) limitsHeader(t *testing.T) {
	l := p.start(t)
	for size, want := range map[int]int{
		30 << 10: http.StatusOK,
		40 << 10: http.StatusRequestHeaderFieldsTooLarge,
	} {
		v := visitor{"foreign": strings.Repeat("x", size)}
		if status := v.get(t, l.site, "/healthz").status; status != want {
			t.Errorf("a header of %d bytes is answered %d, want %d", size, status, want)
		}
	}
}

func TestServerLimits(t *testing.T) {
	s := newServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	for what, limit := range map[string]struct{ got, want time.Duration }{
		"reading a header": {s.ReadHeaderTimeout, 5 * time.Second},
		"reading":          {s.ReadTimeout, 15 * time.Second},
		"writing":          {s.WriteTimeout, 30 * time.Second},
		"being idle":       {s.IdleTimeout, time.Minute},
	} {
		if limit.got != limit.want {
			t.Errorf("%s may take %v, want %v", what, limit.got, limit.want)
		}
	}
	if s.MaxHeaderBytes != 32<<10 {
		t.Errorf("a header may have %d bytes", s.MaxHeaderBytes)
	}
}

// Programs that start at the same moment must agree on the key, and none may
// meet half a file.
func TestKeyFileIsMadeWhole(t *testing.T) {
	for range 50 {
		folder := t.TempDir()
		var keys [8][]byte
		var errs [8]error
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() { keys[i], errs[i] = keyFile(filepath.Join(folder, "secret.key")) })
		}
		all.Wait()
		for i, key := range keys {
			if errs[i] != nil || !bytes.Equal(key, keys[0]) {
				t.Fatalf("number %d has another key than number 0, or none: %v", i, errs[i])
			}
		}
		if files := list(t, folder); !slices.Equal(files, []string{"secret.key"}) {
			t.Fatalf("left in the folder: %v", files)
		}
	}
}

// The clock.

func TestClockSetBack(t *testing.T) {
	cases := []struct {
		name   string
		by     time.Duration
		want   string
		failed string // the check of the signed way that fails
	}{
		{"by half a minute, as clocks are all the time", 30 * time.Second, "believed verified found", ""},
		{"by an hour: a seal dated in the future is not believed", time.Hour, "believed unreadable found", "dated"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, clock := newClockedLab(t)
			v := visitor{}
			v.signIn(t, s, "alice")
			v.expect(t, s, "believed verified found")

			clock.Advance(-c.by)
			v.expect(t, s, c.want)
			lanes := v.lanes(t, s)
			if failed := lanes.Signed.failed(); failed != c.failed {
				t.Errorf("the signed way fails the check %q (%s), want %q", failed, lanes.Signed.Reason, c.failed)
			}
			if lanes.Plain.user() != "alice" || lanes.Session.user() != "alice" {
				t.Errorf("plain says %q, session says %q", lanes.Plain.user(), lanes.Session.user())
			}
			if status := v.get(t, s, "/dashboard").status; status != http.StatusOK {
				t.Errorf("the dashboard is answered %d", status)
			}
			v.signIn(t, s, "alice") // by the clock as it is now
			v.expect(t, s, "believed verified found")
		})
		t.Run(c.name+": wrong tries lock no longer", func(t *testing.T) {
			s, clock := newClockedLab(t)
			form := url.Values{"username": {"alice"}, "password": {"wrong"}}
			for range 5 {
				visitor{}.post(t, s, "/login", form)
			}
			if status := (visitor{}).post(t, s, "/login", form).status; status != http.StatusTooManyRequests {
				t.Fatalf("the sixth wrong try is answered %d", status)
			}
			clock.Advance(-c.by)
			a := visitor{}.post(t, s, "/login", signInForm("alice"))
			if a.status == http.StatusTooManyRequests {
				if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait > 60 {
					t.Errorf("to wait for %q seconds", a.header.Get("Retry-After"))
				}
			}
			clock.Advance(time.Minute)
			visitor{}.signIn(t, s, "alice")
		})
	}
}

// newClockedLab is a lab within this test, by a clock of the test's.
func newClockedLab(t *testing.T) (site, *storetest.Clock) {
	t.Helper()
	clock := storetest.NewClock()
	store, err := sessions.NewMemory(1000, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	options := sessions.DefaultOptions()
	options.Name = "lab_sessionid"
	lab, err := handlers.New(handlers.Config{
		Files: files, Sessions: store, Notebooks: store, Engine: sessions.EngineCache, Cookie: options,
		Secrets: [][]byte{make([]byte, sessions.MinSecret)}, ClassPassword: "cookies", TeacherPIN: "271828", Clock: clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(lab)
	t.Cleanup(lab.Close)
	t.Cleanup(server.Close)
	return newSite(t, server.URL), clock
}

// A program: the built binary.

type program struct{ file string }

// build makes the one static binary that users have.
func build(t *testing.T) program {
	t.Helper()
	p := program{filepath.Join(t.TempDir(), "cookielab.exe")} // a name that every system runs
	command := exec.Command("go", "build", "-ldflags", "-s -w", "-o", p.file, ".")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, output)
	}
	return p
}

// patience is how long a program may take for anything; no test waits for it
// to pass.
const patience = 30 * time.Second

// lab is a program that was launched.
type lab struct {
	site // its address, once it is ready

	command        *exec.Cmd
	folder         string // it was launched in
	home           string // of the user who launched it
	data           string // as it says itself
	stdout, stderr *output
	exited         chan struct{} // closed at its end
}

// launch runs the program until the test ends, in a folder of its own, for a
// user without any settings but these: flags begin with --, others are
// environment variables.
func (p program) launch(t *testing.T, settings ...string) *lab {
	t.Helper()
	l := &lab{
		folder: t.TempDir(), home: t.TempDir(),
		stdout: newOutput("Stop it with Ctrl+C."), stderr: newOutput(""), exited: make(chan struct{}),
	}
	l.command = exec.Command(p.file)
	l.command.Dir, l.command.Stdout, l.command.Stderr = l.folder, l.stdout, l.stderr
	// Not by flags, so that a test can give every setting either way.
	l.command.Env = []string{
		"HOME=" + l.home, "AppData=" + l.home,
		"COOKIELAB_ADDR=localhost:0", "COOKIELAB_NODE_B_ADDR=", "COOKIELAB_DATA=" + filepath.Join(l.home, "data"),
	}
	for _, setting := range settings {
		if strings.HasPrefix(setting, "--") || l.flagsOver() {
			l.command.Args = append(l.command.Args, setting)
		} else {
			l.command.Env = append(l.command.Env, setting)
		}
	}
	if err := l.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = l.command.Wait() // ProcessState says it all
		close(l.exited)
	}()
	t.Cleanup(func() {
		_ = l.command.Process.Kill() // it may have ended
		<-l.exited
	})
	return l
}

// flagsOver reports whether "--" was the last setting: what follows is neither
// flag nor variable.
func (l *lab) flagsOver() bool { return l.command.Args[len(l.command.Args)-1] == "--" }

// start launches the program and waits until it is ready.
func (p program) start(t *testing.T, settings ...string) *lab {
	t.Helper()
	l := p.launch(t, settings...)
	l.await(t)
	return l
}

func (l *lab) await(t *testing.T) {
	t.Helper()
	select {
	case <-l.stdout.ready:
	case <-l.exited:
		t.Fatalf("the program does not start: %s", l.stderr)
	case <-time.After(patience):
		t.Fatalf("the program is not ready after %v:\n%s%s", patience, l.stdout, l.stderr)
	}
	said := regexp.MustCompile(`(?s)Open +(http://\S+)/dashboard\n.*Data +([^\n]+)\n`).FindStringSubmatch(l.stdout.String())
	if said == nil {
		t.Fatalf("the start does not say where the lab is:\n%s", l.stdout)
	}
	l.site, l.data = newSite(t, said[1]), said[2]
}

// refuse launches a program that must not start, and returns the one line it
// says.
func (p program) refuse(t *testing.T, settings ...string) string {
	t.Helper()
	l := p.launch(t, settings...)
	select {
	case <-l.exited:
	case <-l.stdout.ready:
		t.Fatalf("the program starts:\n%s", l.stdout)
	case <-time.After(patience):
		t.Fatalf("the program neither starts nor ends within %v", patience)
	}
	if code := l.command.ProcessState.ExitCode(); code != 1 {
		t.Errorf("the exit code is %d", code)
	}
	line, more, _ := strings.Cut(l.stderr.String(), "\n")
	if line == "" || more != "" {
		t.Errorf("not one line:\n%s", l.stderr)
	}
	if l.stdout.String() != "" {
		t.Errorf("it prints:\n%s", l.stdout)
	}
	return line
}

// kill is kill -9.
func (l *lab) kill(t *testing.T) {
	t.Helper()
	if err := l.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-l.exited
}

// stop ends the program as its user does; on Windows, where a program cannot
// do that to another, it is killed.
func (l *lab) stop(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		l.kill(t)
		return
	}
	l.signal(t, os.Interrupt)
	<-l.exited
	if code := l.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the exit code is %d; the log:\n%s", code, l.stderr)
	}
}

func (l *lab) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := l.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// awaitClosed waits until the program takes no more connections.
func (l *lab) awaitClosed(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		conn, err := net.Dial("tcp", l.host())
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Fatal("the program goes on taking connections")
}

func (l *lab) host() string { return strings.TrimPrefix(l.url, "http://") }

func (l *lab) port() string { return l.url[strings.LastIndexByte(l.url, ':')+1:] }

// output is what a program prints; ready is closed when it has said a word.
type output struct {
	word  string
	ready chan struct{}

	mu   sync.Mutex
	said bytes.Buffer
}

func newOutput(word string) *output { return &output{word: word, ready: make(chan struct{})} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	had := strings.Contains(o.said.String(), o.word)
	o.said.Write(b)
	if !had && strings.Contains(o.said.String(), o.word) {
		close(o.ready)
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.String()
}

// A visitor: a browser's cookies, by name.

type visitor map[string]string

// site is a lab's address and the connections to it.
type site struct {
	url    string
	client *http.Client
}

func newSite(t *testing.T, address string) site {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return site{address, &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

type answer struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	body    []byte
}

func (a answer) cookie(name string) *http.Cookie {
	for _, cookie := range a.cookies {
		if cookie.Name == name {
			return cookie
		}
	}
	return nil
}

// ask sends one request with every cookie, and takes those of the answer.
func (v visitor) ask(s site, method, path string, form url.Values) (answer, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		request.AddCookie(&http.Cookie{Name: name, Value: v[name]})
	}
	response, err := s.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	v.take(response.Cookies())
	return answer{response.StatusCode, response.Header, response.Cookies(), body}, nil
}

func (v visitor) take(cookies []*http.Cookie) {
	for _, cookie := range cookies {
		if cookie.MaxAge < 0 {
			delete(v, cookie.Name)
		} else {
			v[cookie.Name] = cookie.Value
		}
	}
}

func (v visitor) get(t *testing.T, s site, path string) answer {
	t.Helper()
	a, err := v.ask(s, http.MethodGet, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (v visitor) post(t *testing.T, s site, path string, form url.Values) answer {
	t.Helper()
	a, err := v.ask(s, http.MethodPost, path, form)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func signInForm(user string) url.Values {
	return url.Values{"username": {user}, "password": {"cookies"}}
}

func (v visitor) signIn(t *testing.T, s site, user string) answer {
	t.Helper()
	a := v.post(t, s, "/login", signInForm(user))
	if a.status != http.StatusSeeOther {
		t.Fatalf("signing in as %s is answered %d", user, a.status)
	}
	return a
}

// lanes is what GET /api/lanes says of each way.
type lanes struct{ Plain, Signed, Session lane }

type lane struct {
	Verdict string
	User    *string
	Reason  string
	Checks  []struct {
		Name string
		OK   bool
	}
	Attributes json.RawMessage
}

func (l lane) user() string {
	if l.User == nil {
		return ""
	}
	return *l.User
}

// noted reports whether the notebook saw the cookie being set.
func (l lane) noted() bool { return len(l.Attributes) > 0 && string(l.Attributes) != "null" }

// failed is the check that decided against the visitor, "" when none did.
func (l lane) failed() string {
	for _, check := range l.Checks {
		if !check.OK {
			return check.Name
		}
	}
	return ""
}

func (v visitor) lanes(t *testing.T, s site) lanes {
	t.Helper()
	a := v.get(t, s, "/api/lanes")
	var said struct{ Lanes []lane }
	if err := json.Unmarshal(a.body, &said); err != nil || a.status != http.StatusOK || len(said.Lanes) < 3 {
		t.Fatalf("/api/lanes is answered %d %s (%v)", a.status, a.body, err)
	}
	return lanes{said.Lanes[0], said.Lanes[1], said.Lanes[2]}
}

// expect compares the verdicts of plain, signed and session.
func (v visitor) expect(t *testing.T, s site, want string) {
	t.Helper()
	said := v.lanes(t, s)
	if got := said.Plain.Verdict + " " + said.Signed.Verdict + " " + said.Session.Verdict; got != want {
		t.Errorf("plain, signed and session say %q, want %q", got, want)
	}
}

// Small things.

// sessionCookie signs somebody in and returns the session's cookie as it was
// set, without what differs each time: its value and its date.
func sessionCookie(t *testing.T, l *lab, name string) string {
	t.Helper()
	cookie := visitor{}.signIn(t, l.site, "alice").cookie(name)
	if cookie == nil {
		t.Fatalf("no cookie %s is set", name)
	}
	line := strings.Replace(cookie.Raw, "="+cookie.Value, "", 1)
	return regexp.MustCompile(`Expires=[^;]+`).ReplaceAllString(line, "Expires")
}

// newSecret is a signing key that is easy to tell from others.
func newSecret(of byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{of}, sessions.MinSecret))
}

func readKey(t *testing.T, data string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func list(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// checkDatabase asks SQLite itself whether the file is whole.
func checkDatabase(t *testing.T, data string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(data, "cookielab.db"))
	if err != nil {
		t.Fatal(err)
	}
	var verdict string
	err = db.QueryRow("PRAGMA integrity_check").Scan(&verdict)
	if err = errors.Join(err, db.Close()); err != nil || verdict != "ok" {
		t.Errorf("the database is not whole: %q (%v)", verdict, err)
	}
}

func hasIPv6() bool {
	listener, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
