// The program as its users run it: built once, started on a free port with a
// data folder of its own, asked over HTTP, stopped, killed, started again.
//
//   - TestProgram is the table of contents; its facts follow in that order:
//     the start, the settings, the keys, restarts, kill -9, node B, the other
//     site, two servers behind a proxy, signals, limits.
//   - TestClockSetBack looks at what cannot be seen from outside.
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
	"net/http/httputil"
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

	"github.com/jackc/pgx/v5/pgproto3"

	"cookielab/handlers"
	"cookielab/handlers/web"
	"cookielab/sessions"
	"cookielab/sessions/storetest"
	"cookielab/sessions/storetest/servers"
)

func TestProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("another program is nothing that the race detector could see into")
	}
	p := build(t)
	for _, fact := range []struct {
		name  string
		holds func(program, *testing.T)
	}{
		{"the start says where the lab is and how to get in", program.greets},
		{"the log repeats no password, PIN, key or cookie", program.logsNoSecret},
		{"the log has a bound, and says what it left out", program.boundsLog},
		{"it listens on loopback, by both of its addresses", program.listens},

		{"a bad setting ends the start with one line that names it", program.refusesBadSettings},
		{"a session folder that is not ours alone is refused", program.refusesFolders},
		{"a database or cache that does not answer ends the start", program.refusesSilence},
		{"an error does not repeat a secret", program.repeatsNoSecret},
		{"a port in use ends the start", program.refusesBusyPort},
		{"each setting works as a flag and as a variable", program.takesSettings},
		{"flags beat variables", program.prefersFlags},
		{"the cookie's settings reach the cookie", program.dressesCookie},
		{"help names every setting", program.helps},

		{"key, database and folders are private", program.keepsPrivate},
		{"a key file that others may read is refused", program.refusesOpenKey},
		{"a lost key breaks seals and no session", program.losesKey},
		{"keys can be rotated", program.rotatesKeys},

		{"a restart keeps what the engine keeps", program.restarts},
		{"two programs on one folder share everything but memory", program.shares},
		{"tries at the PIN count together on all servers of two programs", program.countsTogether},
		{"kill -9 in a storm of writes loses nothing that was answered", program.survivesKill},
		{"another program that opens and closes the database does no harm", program.survivesOnlooker},
		{"a lost database is 503, and unhealthy, until it is back", program.noticesLoss},

		{"node B is a second server of the same lab", program.hasNodeB},
		{"node B is there if its port is free", program.goesWithoutNodeB},
		{"the other site sends requests to the lab, and is none of it", program.hasOtherSite},
		{"the other site is there if it can be", program.goesWithoutOtherSite},
		{"both servers know whoever signed in on one", program.knowsOnBoth},
		{"a new class on one server begins on the other", program.beginsOnBoth},
		{"two programs behind a proxy: one may die, Redis and PostgreSQL may go", program.standsBehindProxy},

		{"a signal lets the requests under way finish", program.finishesRequests},
		{"a second signal ends the program at once", program.endsAtOnce},
		{"an open stream does not hold the end up", program.endsStreams},

		{"a header of 40 KB is refused", program.limitsHeader},
	} {
		t.Run(fact.name, func(t *testing.T) {
			t.Parallel()
			fact.holds(p, t)
		})
	}
}

// The start.

func (p program) greets(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new", "folder")
	l := p.start(t, "--data="+data, "--engine=cache", "--class-password=open sesame", "--teacher-pin=271828", "--node-b-addr=localhost:0", "--other-addr=127.0.0.1:0")

	for what, line := range map[string]string{
		"address":        "Open            " + l.url + "/dashboard\n",
		"lessons":        "Lessons         " + l.url + "/lessons\n",
		"node B":         "Server B        " + l.nodeB.url + "/dashboard\n",
		"other site":     "Other site      " + l.otherSite.url + "\n",
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
	for _, s := range []site{l.site, l.nodeB} {
		if status := (visitor{}).get(t, s, "/dashboard").status; status != http.StatusOK {
			t.Errorf("the printed address %s answers %d", s.url, status)
		}
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

func (p program) boundsLog(t *testing.T) {
	const flood = 600
	l := p.start(t)
	for i := range flood {
		visitor{}.post(t, l.site, "/login", url.Values{"username": {fmt.Sprint("name", i)}, "password": {"wrong"}})
	}
	visitor{}.signIn(t, l.site, "alice")
	l.stop(t)
	log := l.stderr.String()
	shown := strings.Count(log, "login failed")
	told := regexp.MustCompile(`left out of the log".* warnings=(\d+)`).FindStringSubmatch(log) // by the end at the latest
	if told == nil || told[1] != fmt.Sprint(flood-shown) || shown > 200 {
		t.Errorf("of %d wrong tries the log has %d, and says that it left out %q", flood, shown, told)
	}
	if !strings.Contains(log, `"signed in" name=alice`) {
		t.Error("the flood hides a login")
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
		{"node B without a port", []string{"--node-b-addr=localhost"}, "--node-b-addr"},
		{"node B on every address", []string{"--node-b-addr=0.0.0.0:0"}, "--node-b-addr"},
		{"node B on the LAN, by its variable", []string{"COOKIELAB_NODE_B_ADDR=192.168.1.5:0"}, "--node-b-addr"},
		{"node B's name", []string{"--server-name=B", "--node-b-addr=localhost:0"}, "--server-name"},
		{"node B's name, by its variable", []string{"COOKIELAB_SERVER_NAME=b", "--node-b-addr=localhost:0"}, "--server-name"},
		{"the other site without a port", []string{"--other-addr=127.0.0.1"}, "--other-addr"},
		{"the other site on every address", []string{"--other-addr=0.0.0.0:0"}, "--other-addr"},
		{"the other site on the LAN, by its variable", []string{"COOKIELAB_OTHER_ADDR=192.168.1.5:0"}, "--other-addr"},
		{"a server's name of two lines", []string{"--server-name=A\nB"}, "--server-name"},
		{"a server's name that fills the page's head", []string{"--server-name=Neuschwanstein"}, "--server-name"},

		{"an engine that does not exist", []string{"--engine=files"}, "--engine"},
		{"an engine that does not exist, by its variable", []string{"SESSION_ENGINE=memcached"}, "--engine"},
		{"another database", []string{"--database-url=mysql://db.example/lab"}, "--database-url"},
		{"a PostgreSQL without slashes", []string{"--database-url=postgres:lab"}, "--database-url"},
		{"a PostgreSQL that cannot be meant", []string{"--database-url=postgres://127.0.0.1/lab?sslmode=perhaps"}, "--database-url"},
		{"another cache", []string{"--engine=cache", "--cache-url=memcached://127.0.0.1"}, "--cache-url"},
		{"another cache, by its variable", []string{"--engine=cached_db", "COOKIELAB_CACHE_URL=locmem"}, "--cache-url"},
		{"another cache, though the engine needs none", []string{"--engine=db", "--cache-url=memcached://127.0.0.1"}, "--cache-url"},
		{"a Redis that cannot be meant", []string{"--engine=cache", "--cache-url=redis://127.0.0.1/lab"}, "--cache-url"},
		{"a database that is a folder", []string{"--database-url=" + folder}, "--database-url"},
		{"a database that is none", []string{"--database-url=" + noDatabase}, "--database-url"},
		{"a database in a folder that is not there", []string{"--database-url=missing/lab.db"}, "--database-url"},
		{"a data folder that is a file", []string{"--data=" + noFolder}, "--data"},
		{"a data folder in a file", []string{"--data=" + filepath.Join(noFolder, "data")}, "--data"},
		{"a session folder in a folder that is not there", []string{"--engine=file", "SESSION_FILE_PATH=missing/sessions"}, "--session-file-path"},
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

func (p program) refusesFolders(t *testing.T) {
	parent := t.TempDir()
	ours, open, file, link := filepath.Join(parent, "ours"), filepath.Join(parent, "open"), filepath.Join(parent, "file"), filepath.Join(parent, "link")
	if err := errors.Join(os.Mkdir(ours, 0o700), os.Mkdir(open, 0o700), os.Chmod(open, 0o750), os.WriteFile(file, nil, 0o600), os.Symlink(ours, link)); err != nil {
		t.Skipf("this system has no symlinks for us: %v", err)
	}
	for folder, want := range map[string]string{open: "0750", file: "no folder", link: "symlink"} {
		if runtime.GOOS == "windows" && folder != file {
			continue // where Go sees no such bits
		}
		line := p.refuse(t, "--engine=file", "--session-file-path="+folder)
		if !strings.Contains(line, "--session-file-path") || !strings.Contains(line, folder) || !strings.Contains(line, want) {
			t.Errorf("the error does not say what is wrong (%q) with which folder: %q", want, line)
		}
	}
	p.start(t, "--engine=file", "--session-file-path="+ours)
}

// refusesSilence: whether nobody is there or somebody who never says a word,
// the start does not wait for ever.
func (p program) refusesSilence(t *testing.T) {
	nobody := listenOn(t, func(net.Conn) {})
	nobody.Close()
	for what, address := range map[string]string{
		"nobody is there":    nobody.Addr().String(),
		"nobody says a word": listenOn(t, func(net.Conn) { <-t.Context().Done() }).Addr().String(),
		"somebody hangs up":  listenOn(t, func(net.Conn) {}).Addr().String(),
	} {
		for _, setting := range []string{
			"--database-url=postgres://" + address + "/lab",
			"--cache-url=redis://" + address,
		} {
			t.Run(what+" at "+setting[:strings.Index(setting, "=")], func(t *testing.T) {
				t.Parallel()
				name, _, _ := strings.Cut(setting, "=")
				if line := p.refuse(t, "--engine=cached_db", setting); !strings.Contains(line, name+":") {
					t.Errorf("the error does not name %s: %q", name, line)
				}
			})
		}
	}
}

// listenOn is a server on a port of its own until the test ends.
func listenOn(t *testing.T, serve func(net.Conn)) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener
}

// refuseLogin is a PostgreSQL that takes nobody's password.
func refuseLogin(conn net.Conn) {
	server := pgproto3.NewBackend(conn, conn)
	if _, err := server.ReceiveStartupMessage(); err != nil {
		return
	}
	server.Send(&pgproto3.AuthenticationCleartextPassword{})
	if server.Flush() != nil || server.SetAuthType(pgproto3.AuthTypeCleartextPassword) != nil {
		return
	}
	if _, err := server.Receive(); err != nil {
		return
	}
	server.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: "password authentication failed"})
	_ = server.Flush()
}

func (p program) repeatsNoSecret(t *testing.T) {
	const secret = "tGx7QmVw"
	postgres := "postgres://lab:" + secret + "@" + listenOn(t, refuseLogin).Addr().String() + "/lab"
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
		{"the password of a database that is not there", []string{"--database-url=postgres://lab:" + secret + "@127.0.0.1:1/lab"}},
		{"a password that a database does not take", []string{"--database-url=" + postgres + "?sslmode=disable"}},
		{"the password of a database, by its variable", []string{"COOKIELAB_DATABASE_URL=postgres://127.0.0.1:1/lab?password=" + secret}},
		{"the password of a database that cannot be meant", []string{"--database-url=" + postgres + "?sslmode=perhaps"}},
		{"the password in a database URL that is none", []string{"--database-url=postgres://lab:" + secret + "%zz@127.0.0.1/lab"}},
		{"the password of another database", []string{"--database-url=sqlite:mysql://lab:" + secret + "@127.0.0.1/lab"}},
		{"the password of a database, in words", []string{"--database-url=host=127.0.0.1 password=" + secret}},
		{"the password of a cache that is not there", []string{"--engine=cache", "--cache-url=redis://lab:" + secret + "@127.0.0.1:1"}},
		{"the password of a cache, by its variable", []string{"--engine=cached_db", "COOKIELAB_CACHE_URL=rediss://:" + secret + "@127.0.0.1:1"}},
		{"the password in a cache URL that is none", []string{"--engine=cache", "--cache-url=redis://lab:" + secret + " @127.0.0.1:1"}},
		{"the password of another cache", []string{"--cache-url=memcached://lab:" + secret + "@127.0.0.1"}},
		{"a password behind a flag that does not exist", []string{"--databse-url=" + postgres}},
		{"a password behind no flag", []string{"--", postgres}},
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
		{"--node-b-addr", "COOKIELAB_NODE_B_ADDR", "127.0.0.1:0", prints("Server B        http://127.0.0.1:")},
		{"--other-addr", "COOKIELAB_OTHER_ADDR", "127.0.0.1:0", prints("Other site      http://127.0.0.1:")},
		{"--server-name", "COOKIELAB_SERVER_NAME", "North", func(t *testing.T, l *lab) {
			if name := answeredBy(t, l.site); name != "North" {
				t.Errorf("the pages say that %q answered", name)
			}
		}},
		{"--session-file-path", "SESSION_FILE_PATH", "those", func(t *testing.T, l *lab) {
			if files := list(t, l.data); !slices.Contains(files, "those") || slices.Contains(files, "sessions") {
				t.Errorf("the data folder has %v", files)
			}
		}},
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
				if status := statusFor(t, l.site, host); status != want {
					t.Errorf("the host %s is answered %d, want %d", host, status, want)
				}
			}
		}},
	}
	for _, c := range cases {
		for _, name := range []string{c.flag, c.variable} {
			t.Run(name+"="+filepath.Base(c.value), func(t *testing.T) {
				c.works(t, p.start(t, "SESSION_ENGINE=file", name+"="+c.value))
			})
		}
	}
	t.Run("an empty cache URL is the default", func(t *testing.T) {
		prints("Engine          cache (memory)\n")(t, p.start(t, "--engine=cache", "--cache-url="))
	})
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
		"--node-b-addr", "COOKIELAB_NODE_B_ADDR", "--other-addr", "COOKIELAB_OTHER_ADDR", "--server-name", "COOKIELAB_SERVER_NAME",
		"--engine", "SESSION_ENGINE", "--database-url", "COOKIELAB_DATABASE_URL", "--cache-url", "COOKIELAB_CACHE_URL",
		"--session-file-path", "SESSION_FILE_PATH",
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
	l := p.start(t, "--data="+data, "--engine=file")
	visitor{}.signIn(t, l.site, "alice") // so that there is a file, and the database has its WAL

	key, err := base64.StdEncoding.DecodeString(readKey(t, data))
	if err != nil || len(key) < 32 {
		t.Errorf("the key has %d bytes (%v)", len(key), err)
	}
	if other := p.start(t); readKey(t, other.data) == readKey(t, data) {
		t.Error("two folders have the same key")
	}
	want := []string{"cookielab.db", "cookielab.db-reserve", "cookielab.db-shm", "cookielab.db-wal", "secret.key", "sessions"}
	if files := list(t, data); !slices.Equal(files, want) {
		t.Errorf("the data folder has %v, want %v", files, want)
	}
	if runtime.GOOS == "windows" {
		return // which knows no such bits
	}
	files := 0
	if err := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has the mode %04o, want %04o", path, info.Mode().Perm(), want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if files < len(want) { // at least one of them in sessions
		t.Errorf("there are %d files; where is the session?", files)
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
	const found, verified = "believed verified found", "believed verified verified"
	cases := []struct{ name, engine, before, after string }{
		{"db", "db", found, found},
		{"file", "file", found, found},
		{"cached_db", "cached_db", found, found},
		{"signed_cookies", "signed_cookies", verified, verified}, // by the key file
		{"cache, in memory", "cache", found, "believed verified unknown"},
		{"cache, in Redis", "cache", found, found},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			settings := []string{"--data=" + t.TempDir(), "--engine=" + c.engine}
			if strings.HasSuffix(c.name, "Redis") {
				settings = append(settings, "--cache-url="+servers.Redis(t).URL())
			}
			v := visitor{}
			l := p.start(t, settings...)
			v.signIn(t, l.site, "alice")
			v.expect(t, l.site, c.before)
			l.stop(t)

			l = p.start(t, settings...)
			v.expect(t, l.site, c.after)
			if !v.lanes(t, l.site).Session.noted() {
				t.Error("the notebook does not know this browser any more")
			}
			v.signIn(t, l.site, "alice") // whatever lay there
			v.expect(t, l.site, c.before)
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

func (p program) countsTogether(t *testing.T) {
	data := t.TempDir()
	a := p.start(t, "--data="+data, "--teacher-pin=271828", "--node-b-addr=localhost:0")
	b := p.start(t, "--data="+data, "--teacher-pin=271828")
	servers := []site{a.site, a.nodeB, b.site}
	var statuses [30]int
	storetest.Together(len(statuses), func(i int) {
		a, err := visitor{}.ask(servers[i%len(servers)], http.MethodPost, "/login", url.Values{"username": {"teacher"}, "pin": {"000000"}})
		if err != nil {
			t.Error(err)
			return
		}
		statuses[i] = a.status
	})
	judged := 0
	for _, status := range statuses {
		if status == http.StatusForbidden {
			judged++
		}
	}
	if judged != 5 {
		t.Errorf("of 30 wrong tries at once %d were judged: %v", judged, statuses)
	}
}

func (p program) survivesKill(t *testing.T) {
	// Few requests are in the air when a kill comes, so several kills.
	const kills, workers, answers = 4, 12, 120
	for _, engine := range []string{"db", "file", "cached_db"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			s := &storm{}
			for range kills {
				l := p.start(t, "--data="+data, "--engine="+engine)
				s.begin(t, l.site, workers)
				s.await(t, answers)
				l.kill(t)
				s.end()
			}
			l := p.start(t, "--data="+data, "--engine="+engine)
			s.check(t, l.site, kills*answers/10)
			l.stop(t)
			checkDatabase(t, data)
		})
	}
}

// storm is many visitors who sign in, move to a new key and sign out, as fast
// as they are answered. What was answered is a claim; what was asked but not
// answered may be either way, so nobody claims it.
type storm struct {
	site     site
	over     context.Context // done when it shall end
	end      func()          // ends it, and waits until it has
	blown    int             // how often it began
	answered atomic.Int64

	mu     sync.Mutex
	claims []claim
}

// claim is what a visitor was promised: with these cookies, this verdict.
type claim struct {
	visitor       visitor
	user, verdict string
}

// begin lets so many workers loose on a site.
func (s *storm) begin(t *testing.T, at site, workers int) {
	var running sync.WaitGroup
	over, cancel := context.WithCancel(t.Context())
	s.site, s.over, s.blown = at, over, s.blown+1
	s.end = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(s.end)
	for worker := range workers {
		running.Go(func() {
			for i := 0; s.over.Err() == nil; i++ {
				s.visit(t, fmt.Sprintf("s%d-w%d-%d", s.blown, worker, i), i%4, worker%2 == 0)
			}
		})
	}
}

// await waits until so many more requests were answered.
func (s *storm) await(t *testing.T, answers int64) {
	t.Helper()
	answers += s.answered.Load()
	until(t, fmt.Sprintf("%d answers", answers), func() bool { return s.answered.Load() >= answers })
}

// visit is one visitor. Without its notebook it is like a program that keeps
// only its key: the session is all that a request writes then, with no later
// write to wait for.
func (s *storm) visit(t *testing.T, user string, kind int, withNotebook bool) {
	v := visitor{}
	if !s.post(t, v, "/login", signInForm(user)) {
		return
	}
	if !withNotebook {
		delete(v, "lab_notebook")
	}
	for _, path := range [][]string{{}, {"/logout"}, {"/act/restore"}, {"/act/restore", "/logout"}}[kind] {
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

// post reports whether the lab answered: a proxy says 502 when its server died.
func (s *storm) post(t *testing.T, v visitor, path string, form url.Values) bool {
	a, err := v.ask(s.site, http.MethodPost, path, form)
	if err != nil || a.status == http.StatusBadGateway {
		return false
	}
	if a.status != http.StatusSeeOther {
		t.Errorf("%s is answered %d", path, a.status)
		return false
	}
	s.answered.Add(1)
	return true
}

func (s *storm) claim(c claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims = append(s.claims, c)
}

// check holds the site to what was promised, which must be some of each kind.
func (s *storm) check(t *testing.T, at site, atLeast int) {
	t.Helper()
	counts := map[string]int{}
	for _, c := range s.claims {
		session := c.visitor.lanes(t, at).Session
		keepsNotebook := c.visitor["lab_notebook"] != ""
		if session.Verdict != c.verdict || (c.verdict == "found" && (session.user() != c.user || session.noted() != keepsNotebook)) {
			t.Errorf("%s was answered that the session is %s; afterwards it is %s of %q, the notebook knows it: %v",
				c.user, c.verdict, session.Verdict, session.user(), session.noted())
		}
		counts[c.verdict]++
	}
	if counts["found"] < atLeast || counts["unknown"] < atLeast {
		t.Errorf("only %v were claimed: the storm does not show what it should", counts)
	}
}

// Node B: the second server in the process.

func (p program) hasNodeB(t *testing.T) {
	l := p.start(t, "--node-b-addr=localhost:0")
	for here, there := range map[site]site{l.site: l.nodeB, l.nodeB: l.site} {
		name, other := "A", "B"
		if here == l.nodeB {
			name, other = other, name
		}
		for path, want := range map[string]string{"/dashboard": "/dashboard", "/wire": "/wire", "/door/session": "/door/session"} {
			page := string(visitor{}.get(t, here, path).body)
			if said := serverName(page); said != name {
				t.Errorf("%s of server %s says that %q answered", path, name, said)
			}
			if link := `<a href="` + there.url + want + `"`; !strings.Contains(page, link) {
				t.Errorf("%s of server %s has no %s", path, name, link)
			}
			if strings.Contains(page, `action="http`) {
				t.Errorf("%s of server %s has a form for another server", path, name)
			}
		}
		// What answers a form is no page that the other could show.
		page := string(visitor{}.post(t, here, "/login", url.Values{"username": {"alice"}, "password": {"wrong"}}).body)
		if link := `<a href="` + there.url + `/dashboard"`; !strings.Contains(page, link) {
			t.Errorf("the answer to a form has no %s", link)
		}
		// Each answers to its own port alone.
		for host, want := range map[string]int{here.host(): http.StatusOK, there.host(): http.StatusMisdirectedRequest} {
			if status := statusFor(t, here, host); status != want {
				t.Errorf("server %s answers the host %s with %d, not %d", name, host, status, want)
			}
		}
	}
	t.Run("the notebook is shared", func(t *testing.T) {
		v := visitor{}
		chosen := v.get(t, l.site, "/dashboard?lang=zh").header.Get("Content-Language")
		if got := v.get(t, l.nodeB, "/dashboard").header.Get("Content-Language"); got != chosen || !strings.HasPrefix(got, "zh") {
			t.Errorf("chosen on A: %q; B answers in %q", chosen, got)
		}
	})
}

func (p program) goesWithoutNodeB(t *testing.T) {
	taken := listenOn(t, func(net.Conn) {}).Addr().String()
	cases := []struct {
		name     string
		settings []string
		note     string // what the start says about it
		answers  string // whom the pages name
	}{
		{"its port is busy", []string{"--node-b-addr=" + taken}, "There is no second server: " + taken + " is in use.", ""},
		{"its port is busy, and this server has a name", []string{"--node-b-addr=" + taken, "--server-name=North"}, "There is no second server", "North"},
		{"it is switched off", []string{"--node-b-addr="}, "", ""},
		{"it is switched off by its variable", []string{"COOKIELAB_NODE_B_ADDR="}, "", ""},
		{"it is switched off, and this server is called B", []string{"--node-b-addr=", "--server-name=B"}, "", "B"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := p.start(t, c.settings...)
			said := l.stdout.String()
			if strings.Contains(said, "no second server") != (c.note != "") || !strings.Contains(said, c.note) || l.nodeB.url != "" {
				t.Errorf("the start does not say %q, or names a second server:\n%s", c.note, said)
			}
			if name := answeredBy(t, l.site); name != c.answers {
				t.Errorf("the pages say that %q answered, not %q", name, c.answers)
			}
			v := visitor{}
			v.signIn(t, l.site, "alice")
			v.expect(t, l.site, "believed verified found")
		})
	}
}

// The other site.

func (p program) hasOtherSite(t *testing.T) {
	l := p.start(t, "--node-b-addr=localhost:0", "--other-addr=127.0.0.1:0")
	page := visitor{}.get(t, l.otherSite, "/more?run=R1")
	if page.status != http.StatusOK || len(page.cookies) > 0 {
		t.Fatalf("it answers %d and sets %v", page.status, page.cookies)
	}
	for _, request := range []string{
		`action="` + l.url + `/play/transfer/none?run=R1&amp;from=more"`, `src="` + l.url + `/play/cookies?run=R1&amp;how=img"`,
		`href="` + l.nodeB.url + `/play/neighbour?run=R1"`,
	} {
		if !strings.Contains(string(page.body), request) {
			t.Errorf("it has no %s", request)
		}
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action "+l.url+";") {
		t.Errorf("its policy is %s", policy)
	}
	// Of the lab it has nothing, not even its health; it answers to one name alone.
	for host, want := range map[string]int{l.otherSite.host(): http.StatusNotFound, "localhost:" + l.otherSite.port(): http.StatusMisdirectedRequest, l.host(): http.StatusMisdirectedRequest} {
		if status := statusFor(t, l.otherSite, host); status != want {
			t.Errorf("it answers the host %s with %d, not %d", host, status, want)
		}
	}
	if status := statusFor(t, l.site, l.otherSite.host()); status != http.StatusMisdirectedRequest {
		t.Errorf("the lab answers to its host with %d", status)
	}
	// The neighbour of each server posts to the other.
	for here, there := range map[site]site{l.site: l.nodeB, l.nodeB: l.site} {
		page := string(visitor{}.get(t, here, "/play/neighbour?run=R1").body)
		if form := `action="` + there.url + `/play/transfer/samesite?run=R1&amp;from=neighbour"`; !strings.Contains(page, form) {
			t.Errorf("the neighbour at %s has no %s", here.url, form)
		}
	}
}

func (p program) goesWithoutOtherSite(t *testing.T) {
	taken := listenOn(t, func(net.Conn) {}).Addr().String()
	cases := []struct {
		name     string
		settings []string
		note     string // what the start says about it; "": nothing
		there    bool
	}{
		{"its port is busy", []string{"--other-addr=" + taken}, "There is no other site: " + taken + " is in use. --other-addr chooses another address.", false},
		{"it is switched off", []string{"--other-addr="}, "", false},
		{"it is switched off by its variable", []string{"COOKIELAB_OTHER_ADDR="}, "", false},
		{"it has the lab's host", []string{"--addr=127.0.0.1:0", "--other-addr=127.0.0.1:0"}, "There is no other site: to a browser, 127.0.0.1:0 is the same site", false},
		{"it has the lab's name", []string{"--other-addr=LocalHost:0"}, "There is no other site: to a browser, LocalHost:0 is the same site", false},
		{"it has the name, and the lab the number", []string{"--addr=127.0.0.1:0", "--other-addr=localhost:0"}, "", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := p.start(t, c.settings...)
			said := l.stdout.String()
			if strings.Contains(said, "no other site") != (c.note != "") || !strings.Contains(said, c.note) || (l.otherSite.url != "") != c.there {
				t.Errorf("the start does not say %q, or whether there is another site:\n%s", c.note, said)
			}
			v := visitor{}
			v.signIn(t, l.site, "alice")
			v.expect(t, l.site, "believed verified found")
		})
	}
}

func (p program) knowsOnBoth(t *testing.T) {
	for engine, verdict := range map[string]string{
		"db": "found", "file": "found", "cached_db": "found", "signed_cookies": "verified",
		"cache": "unknown", // each server's memory is its own
	} {
		t.Run(engine, func(t *testing.T) {
			l := p.start(t, "--engine="+engine, "--node-b-addr=localhost:0")
			v := visitor{}
			v.signIn(t, l.site, "alice")
			home := v.lanes(t, l.site).Session
			v.get(t, l.nodeB, "/dashboard")
			if session := v.lanes(t, l.nodeB).Session; session.Verdict != verdict || (verdict != "unknown" && session.user() != "alice") {
				t.Errorf("B finds the session %s of %q, want %s", session.Verdict, session.user(), verdict)
			}
			// Whatever B thinks of it, the cookie stays, and A knows it.
			if session := v.lanes(t, l.site).Session; session.Verdict != home.Verdict || session.user() != "alice" {
				t.Errorf("after a visit to B, A finds the session %s of %q", session.Verdict, session.user())
			}
		})
	}
	t.Run("cached_db: a logout on B is one on A, whose memory has a copy", func(t *testing.T) {
		l := p.start(t, "--engine=cached_db", "--node-b-addr=localhost:0")
		v := visitor{}
		v.signIn(t, l.site, "alice")
		v.expect(t, l.site, "believed verified found")
		thief := maps.Clone(v)
		v.post(t, l.nodeB, "/logout", nil)
		thief.expect(t, l.site, "believed verified unknown")
	})
	t.Run("cached_db: a save on B replaces the copy in A's memory", func(t *testing.T) {
		l := p.start(t, "--engine=cached_db", "--node-b-addr=localhost:0", "--session-save-every-request")
		v := visitor{}
		v.signIn(t, l.site, "alice") // version 1; each look saves the next
		for i, s := range []site{l.site, l.nodeB, l.nodeB, l.site, l.nodeB} {
			if version := v.lanes(t, s).Session.Keeps.Version; version != i+1 {
				t.Errorf("request %d finds version %d of the record", i+1, version)
			}
		}
	})
}

func (p program) beginsOnBoth(t *testing.T) {
	l := p.start(t, "--engine=cache", "--node-b-addr=localhost:0", "--teacher-pin=271828") // each server's memory is its own
	onA, onB, teacher := visitor{}, visitor{}, visitor{}
	onA.signIn(t, l.site, "alice")
	onB.signIn(t, l.nodeB, "bob")
	teacher.post(t, l.nodeB, "/login", url.Values{"username": {"teacher"}, "pin": {"271828"}})
	if a := teacher.post(t, l.nodeB, "/class", url.Values{"sure": {"yes"}}); a.status != http.StatusSeeOther {
		t.Fatalf("a new class is answered %d %s", a.status, a.body)
	}
	onA.expect(t, l.site, "believed verified unknown")
	onB.expect(t, l.nodeB, "believed verified unknown")
}

// Two programs behind a proxy, as README has it.

func (p program) standsBehindProxy(t *testing.T) {
	postgres := servers.Postgres(t)
	redis := servers.Redis(t, "--appendonly", "yes") // keeps what it has when it stops
	ofEngine := map[string]*pair{}
	for engine, places := range map[string]string{
		"cached_db": "cached_db (Redis before PostgreSQL)", "cache": "cache (Redis)", "db": "db (PostgreSQL)",
	} {
		pair := p.startPair(t, map[string]string{
			"SESSION_ENGINE=cached_db":                 "SESSION_ENGINE=" + engine,
			"postgres://lab:secret@localhost:5432/lab": postgres.Schema(t),
			"redis://localhost:6379":                   fmt.Sprintf("%s/%d?read_timeout=%v", redis.URL(), len(ofEngine), patience), // of a machine that stands still
		})
		for _, l := range []*lab{pair.a, pair.b} {
			if line := "Engine          " + places + "\n"; !strings.Contains(l.stdout.String(), line) {
				t.Fatalf("no line %q in\n%s", line, l.stdout)
			}
		}
		ofEngine[engine] = pair
	}
	// t.Run returns once all of them are done.
	t.Run("kill -9 of one under load", func(t *testing.T) {
		for engine, pair := range ofEngine {
			t.Run(engine, func(t *testing.T) {
				t.Parallel()
				pair.losesOne(t)
			})
		}
	})
	cachedDB, cache, db := ofEngine["cached_db"].front, ofEngine["cache"].front, ofEngine["db"].front
	alice, bob := map[site]visitor{}, map[site]visitor{}
	for _, s := range []site{cachedDB, cache, db} {
		alice[s], bob[s] = visitor{}, visitor{}
		alice[s].signIn(t, s, "alice")
		bob[s].signIn(t, s, "bob")
	}
	knows := func(s site) bool {
		a, err := maps.Clone(alice[s]).ask(s, http.MethodGet, "/dashboard", nil)
		return err == nil && a.status == http.StatusOK
	}

	redis.Stop(t)
	alice[db].expect(t, db, "believed verified found")
	alice[cachedDB].expect(t, cachedDB, "believed verified found")
	thief := maps.Clone(bob[cachedDB])
	if status := bob[cachedDB].post(t, cachedDB, "/logout", nil).status; status != http.StatusSeeOther {
		t.Errorf("cached_db without its cache answers a logout with %d", status)
	}
	visitor{}.signIn(t, cachedDB, "carol")
	alice[cache].isPutOff(t, cache)
	redis.Start(t)
	until(t, "cache finds Redis again", func() bool { return knows(cache) })
	alice[cache].expect(t, cache, "believed verified found")
	bob[cache].expect(t, cache, "believed verified found")
	// The copy of before the logout lies in Redis as it did.
	thief.expect(t, cachedDB, "believed verified unknown")

	postgres.Stop(t)
	for s, v := range alice {
		v.isPutOff(t, s)
	}
	postgres.Start(t)
	for s, v := range alice {
		until(t, "PostgreSQL is found again", func() bool { return knows(s) })
		v.expect(t, s, "believed verified found")
		visitor{}.signIn(t, s, "carol")
	}
}

// isPutOff: while the store is away, nobody is taken for anybody or nobody.
func (v visitor) isPutOff(t *testing.T, s site) {
	t.Helper()
	for _, path := range []string{"/dashboard", "/api/lanes", "/door/session", "/healthz"} {
		if a := maps.Clone(v).get(t, s, path); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || len(a.cookies) > 0 {
			t.Errorf("%s is answered %d, Retry-After %q, cookies %v", path, a.status, a.header.Get("Retry-After"), a.cookies)
		}
	}
	for path, form := range map[string]url.Values{"/login": signInForm("alice"), "/logout": nil} {
		if a := maps.Clone(v).post(t, s, path, form); a.status != http.StatusServiceUnavailable || len(a.cookies) > 0 {
			t.Errorf("%s is answered %d, cookies %v", path, a.status, a.cookies)
		}
	}
}

// pair is two programs and the proxy before them.
type pair struct {
	a, b  *lab
	front site
}

// startPair runs the two commands of README, with other addresses.
func (p program) startPair(t *testing.T, instead map[string]string) *pair {
	t.Helper()
	backends := &takingTurns{}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme = "http" }, // and Host as it came
		Transport: backends, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
	})
	t.Cleanup(proxy.Close)
	pair := &pair{front: newSite(t, proxy.URL)}
	pairs := []string{
		"$(openssl rand -base64 32)", newSecret('p'), "localhost:8000", pair.front.host(),
		"localhost:8001", "localhost:0", "localhost:8002", "localhost:0", " &\n", "\n", // each in the background anyhow
	}
	for from, to := range instead {
		pairs = append(pairs, from, to)
	}
	commands := strings.NewReplacer(pairs...).Replace(readmeCommands(t))
	var variables []string
	for line := range strings.Lines(commands) {
		switch words := strings.Fields(line); words[0] {
		case "export":
			variables = append(variables, words[1:]...)
		case "./cookielab":
			settings := append(slices.Clone(variables), "SESSION_SAVE_EVERY_REQUEST=true")
			pair.a, pair.b = pair.b, p.start(t, append(settings, words[1:]...)...)
		}
	}
	backends.hosts = []string{pair.a.host(), pair.b.host()}
	t.Cleanup(backends.CloseIdleConnections)
	return pair
}

// readmeCommands are the commands that README shows for two servers.
func readmeCommands(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n### Two servers behind a proxy\n")
	_, block, _ := strings.Cut(section, "\n```sh\n")
	commands, _, whole := strings.Cut(block, "```")
	if !whole || strings.Count(commands, "./cookielab ") != 2 {
		t.Fatalf("README shows other commands than the two expected:\n%s", commands)
	}
	return commands
}

// takingTurns sends requests to one host after the other. As nginx does, it
// tries the next one if a request could not be sent, and otherwise only if it
// does no harm to send it twice.
type takingTurns struct {
	http.Transport
	hosts []string
	turn  atomic.Uint32
}

func (b *takingTurns) RoundTrip(r *http.Request) (response *http.Response, err error) {
	first := int(b.turn.Add(1))
	body := r.Body
	for i := range b.hosts {
		try := r.Clone(r.Context())
		try.URL.Host = b.hosts[(first+i)%len(b.hosts)]
		if body != nil {
			try.Body = io.NopCloser(body) // a try that fails would close it for the next one
		}
		if response, err = b.Transport.RoundTrip(try); err == nil {
			return response, nil
		}
		var failed *net.OpError
		unsent := errors.As(err, &failed) && failed.Op == "dial"
		if !unsent && r.Method != http.MethodGet && r.Method != http.MethodHead {
			break
		}
	}
	return nil, err
}

// losesOne kills one of the two while visitors sign in, move and sign out, and
// others, who are signed in, save their session from two tabs at once.
func (p *pair) losesOne(t *testing.T) {
	const visitors, answers = 6, 150
	both := map[string]bool{}
	for range 4 {
		both[answeredBy(t, p.front)] = true
	}
	if !both["A"] || !both["B"] || len(both) != 2 {
		t.Errorf("the proxy's pages come from %v, not from A and B", both)
	}

	var signedIn [visitors]visitor
	var saves [visitors]atomic.Int64
	for i := range visitors {
		signedIn[i] = visitor{}
		signedIn[i].signIn(t, p.front, fmt.Sprint("visitor-", i))
	}
	over, end := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i := range 2 * visitors {
		v, user, saved := maps.Clone(signedIn[i/2]), fmt.Sprint("visitor-", i/2), &saves[i/2]
		running.Go(func() {
			for over.Err() == nil {
				var said struct{ Lanes []lane }
				a, err := v.ask(p.front, http.MethodGet, "/api/lanes", nil) // every request saves
				if errors.Is(err, io.ErrUnexpectedEOF) {
					continue // killed in the middle of an answer, which no proxy can mend: one asks again
				}
				if err == nil {
					err = json.Unmarshal(a.body, &said)
				}
				if err != nil || a.status != http.StatusOK || said.Lanes[2].Verdict != "found" || said.Lanes[2].user() != user {
					t.Errorf("%s is answered %d %s (%v)", user, a.status, a.body, err)
					return
				}
				saved.Add(1)
			}
		})
	}
	s := &storm{}
	s.begin(t, p.front, 6)
	s.await(t, answers)
	p.b.kill(t)
	s.await(t, answers)
	s.end()
	end()
	running.Wait()

	s.check(t, p.front, answers/10)
	for i, v := range signedIn {
		// The login was the first save.
		if version, least := v.lanes(t, p.front).Session.Keeps.Version, 1+int(saves[i].Load()); version < least || saves[i].Load() < 4 {
			t.Errorf("visitor-%d: %d saves were answered, and the record says that there were %d", i, least, version)
		}
	}
}

// Signals.

func (p program) finishesRequests(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("one program cannot send another a signal on Windows")
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			data := t.TempDir()
			l := p.start(t, "--data="+data, "--node-b-addr=localhost:0", "--other-addr=127.0.0.1:0")
			idle := visitor{}
			idle.get(t, l.site, "/dashboard") // its connection stays open, and keeps nobody waiting

			logins := []*halfLogin{beginLogin(t, l.site, "alice"), beginLogin(t, l.nodeB, "bob")}
			l.signal(t, signal)
			l.site.awaitClosed(t)
			l.nodeB.awaitClosed(t)
			l.otherSite.awaitClosed(t)
			for _, login := range logins {
				if login.finish(t); login.response.StatusCode != http.StatusSeeOther {
					t.Errorf("the request of %s under way is answered %d", login.user, login.response.StatusCode)
				}
			}
			<-l.exited
			if code := l.command.ProcessState.ExitCode(); code != 0 {
				t.Errorf("the exit code is %d; the log:\n%s", code, l.stderr)
			}
			if files := list(t, data); !slices.Equal(files, []string{"cookielab.db", "cookielab.db-reserve", "secret.key"}) {
				t.Errorf("the database was not closed: %v", files)
			}
			checkDatabase(t, data)

			l = p.start(t, "--data="+data)
			for _, login := range logins {
				v := visitor{}
				v.take(login.response.Cookies())
				v.expect(t, l.site, "believed verified found")
				if user := v.lanes(t, l.site).Session.user(); user != login.user {
					t.Errorf("the session is of %q, not of %s", user, login.user)
				}
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
			beginLogin(t, l.site, "alice") // and never goes on
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
	user     string
	conn     net.Conn
	reply    *bufio.Reader
	rest     string
	response *http.Response // once it is finished
}

func beginLogin(t *testing.T, s site, user string) *halfLogin {
	t.Helper()
	conn, err := net.Dial("tcp", s.host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	login := &halfLogin{user: user, conn: conn, reply: bufio.NewReader(conn)}
	body := signInForm(login.user).Encode()
	half := len(body) / 2
	login.rest = body[half:]
	// "100 Continue" comes when a handler begins to read the body: proof that
	// the request is under way.
	fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", s.host(), len(body))
	if response := login.read(t); response.StatusCode != http.StatusContinue {
		t.Fatalf("the header alone is answered %d", response.StatusCode)
	}
	fmt.Fprint(conn, body[:half])
	return login
}

func (login *halfLogin) finish(t *testing.T) {
	t.Helper()
	fmt.Fprint(login.conn, login.rest)
	login.response = login.read(t)
}

func (login *halfLogin) read(t *testing.T) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(login.reply, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	return response
}

// survivesOnlooker tries it with node B as well, which opens the database a second time.
func (p program) survivesOnlooker(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	l := p.start(t, "--data="+data, "--node-b-addr=localhost:0", "--other-addr=")
	before, after := visitor{}, visitor{}
	before.signIn(t, l.site, "alice")
	if program, err := exec.LookPath("sqlite3"); err != nil {
		checkDatabase(t, data) // opens, reads and closes it, but a new SQLite is careful
	} else if out, err := exec.Command(program, filepath.Join(data, "cookielab.db"), "SELECT 1 FROM sessions").CombinedOutput(); err != nil {
		t.Fatalf("sqlite3: %v: %s", err, out)
	}
	after.signIn(t, l.nodeB, "bob")
	l.kill(t)
	l = p.start(t, "--data="+data)
	before.expect(t, l.site, "believed verified found")
	after.expect(t, l.site, "believed verified found")
}

func (p program) noticesLoss(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open cannot be moved")
	}
	l := p.start(t, "--other-addr=")
	v := visitor{}
	v.signIn(t, l.site, "alice")
	for _, name := range []string{"cookielab.db", "cookielab.db-wal"} {
		file := filepath.Join(l.data, name)
		if err := os.Rename(file, file+".away"); err != nil {
			t.Fatal(err)
		}
		until(t, "the health check notices that "+name+" is gone", func() bool {
			return v.get(t, l.site, "/healthz").status == http.StatusServiceUnavailable
		})
		v.isPutOff(t, l.site)
		if err := os.Rename(file+".away", file); err != nil {
			t.Fatal(err)
		}
		v.expect(t, l.site, "believed verified found")
	}
}

// Limits.

func (p program) limitsHeader(t *testing.T) {
	l := p.start(t, "--node-b-addr=localhost:0", "--other-addr=127.0.0.1:0")
	for size, want := range map[int]int{
		30 << 10: http.StatusOK,
		40 << 10: http.StatusRequestHeaderFieldsTooLarge,
	} {
		v := visitor{"foreign": strings.Repeat("x", size)}
		if status := v.get(t, l.site, "/healthz").status; status != want {
			t.Errorf("a header of %d bytes is answered %d, want %d", size, status, want)
		}
	}
	// No handler makes this reply, and it has the security headers all the same.
	large := visitor{"foreign": strings.Repeat("x", 40<<10)}
	for _, s := range []site{l.site, l.nodeB, l.otherSite} {
		a := large.get(t, s, "/")
		if policy := a.header.Get("Content-Security-Policy"); a.status != http.StatusRequestHeaderFieldsTooLarge || !strings.HasPrefix(policy, "default-src 'none';") {
			t.Errorf("%s answers %d, and its policy is %q", s.url, a.status, policy)
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
	assets, err := web.ReadAssets(files, sessions.EngineCache)
	if err != nil {
		t.Fatal(err)
	}
	course, err := handlers.ReadCourse(files, assets)
	if err != nil {
		t.Fatal(err)
	}
	lab, err := handlers.New(handlers.Config{
		Assets: assets, Course: course, Sessions: store, Notebooks: store, Cookie: options,
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
const patience = time.Minute

// lab is a program that was launched.
type lab struct {
	site           // its address, once it is ready
	nodeB     site // that of the second server, if there is one
	otherSite site // that of the other site, if there is one

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
		"COOKIELAB_ADDR=localhost:0", "COOKIELAB_NODE_B_ADDR=", "COOKIELAB_OTHER_ADDR=", "COOKIELAB_DATA=" + filepath.Join(l.home, "data"),
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
	if said := regexp.MustCompile(`Server B +(http://\S+)/dashboard\n`).FindStringSubmatch(l.stdout.String()); said != nil {
		l.nodeB = newSite(t, said[1])
	}
	if said := regexp.MustCompile(`Other site +(http://\S+)\n`).FindStringSubmatch(l.stdout.String()); said != nil {
		l.otherSite = newSite(t, said[1])
	}
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

// awaitClosed waits until the server takes no more connections.
func (s site) awaitClosed(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		conn, err := net.Dial("tcp", s.host())
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Fatal("the program goes on taking connections")
}

func (s site) host() string { return strings.TrimPrefix(s.url, "http://") }

func (s site) port() string { return s.url[strings.LastIndexByte(s.url, ':')+1:] }

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
	Keeps      struct{ Version int } `json:"server_keeps"` // before this request saved, if it did
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

// serverName is the server that a page names, "" for none.
func serverName(page string) string {
	said := regexp.MustCompile(`id="server">.*?<strong>([^<]*)</strong>`).FindStringSubmatch(page)
	if said == nil {
		return ""
	}
	return said[1]
}

// answeredBy is the server that a site's pages name.
func answeredBy(t *testing.T, s site) string {
	t.Helper()
	a := visitor{}.get(t, s, "/dashboard")
	if a.status != http.StatusOK {
		t.Errorf("the dashboard is answered %d", a.status)
	}
	return serverName(string(a.body))
}

// statusFor is how a site answers to another name.
func statusFor(t *testing.T, s site, host string) int {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, s.url+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}
