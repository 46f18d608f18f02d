// Where signing keys come from, and what is refused.

package sessions_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

const (
	keyVariable      = "SECRET_KEY"
	fallbackVariable = "SECRET_KEY_FALLBACKS"
)

// variables are an environment.
type variables map[string]string

func (v variables) get(name string) string { return v[name] }

// secretOf is a key that is the same byte throughout.
func secretOf(b byte) []byte { return bytes.Repeat([]byte{b}, sessions.MinSecret) }

func encoded(secret []byte) string { return base64.StdEncoding.EncodeToString(secret) }

// namesIn are the files in a folder.
func namesIn(t *testing.T, folder string) (names []string) {
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

func TestReadSecretsFromTheEnvironment(t *testing.T) {
	plus, slash := secretOf('\xfb'), secretOf('\xff') // base64 has + and / for these
	long := bytes.Repeat([]byte("long"), 64)
	for name, test := range map[string]struct {
		environment variables
		want        [][]byte
	}{
		"a key":                  {variables{keyVariable: encoded(plus)}, [][]byte{plus}},
		"space around it":        {variables{keyVariable: " " + encoded(plus) + "\n"}, [][]byte{plus}},
		"no padding":             {variables{keyVariable: base64.RawStdEncoding.EncodeToString(slash)}, [][]byte{slash}},
		"the URL alphabet":       {variables{keyVariable: base64.URLEncoding.EncodeToString(plus)}, [][]byte{plus}},
		"that without padding":   {variables{keyVariable: base64.RawURLEncoding.EncodeToString(slash)}, [][]byte{slash}},
		"a longer one":           {variables{keyVariable: encoded(long)}, [][]byte{long}},
		"the fallbacks in order": {variables{keyVariable: encoded(plus), fallbackVariable: encoded(slash) + ", " + encoded(long)}, [][]byte{plus, slash, long}},
		"empty fallbacks":        {variables{keyVariable: encoded(plus), fallbackVariable: " ,," + encoded(slash) + ","}, [][]byte{plus, slash}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			got, err := sessions.ReadSecrets(folder, test.environment.get)
			if err != nil {
				t.Fatal(err)
			}
			storetest.Equal(t, "the keys", got, test.want)
			if files := namesIn(t, folder); len(files) > 0 {
				t.Errorf("a file is made, though the key comes from elsewhere: %v", files)
			}
		})
	}
}

func TestReadSecretsFromTheFile(t *testing.T) {
	folder := t.TempDir()
	first, err := sessions.ReadSecrets(folder, variables{fallbackVariable: encoded(secretOf('f'))}.get)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 2 || len(first[0]) < sessions.MinSecret || !bytes.Equal(first[1], secretOf('f')) {
		t.Errorf("the keys are %q", first)
	}
	storetest.Equal(t, "the files", namesIn(t, folder), []string{"secret.key"})
	info, err := os.Stat(filepath.Join(folder, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %04o", info.Mode().Perm())
	}
	again, err := sessions.ReadSecrets(folder, variables{}.get)
	if err != nil || len(again) != 1 || !bytes.Equal(again[0], first[0]) {
		t.Errorf("the next time the keys are %q, %v", again, err)
	}
	other, err := sessions.ReadSecrets(t.TempDir(), variables{}.get)
	if err != nil || bytes.Equal(other[0], first[0]) {
		t.Errorf("another folder has the same key, or none: %v", err)
	}
	if _, err := sessions.ReadSecrets(filepath.Join(folder, "missing"), variables{}.get); err == nil || !strings.Contains(err.Error(), "the key file: ") {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

// An error says where the bad key is, and does not repeat it.
func TestReadSecretsRefuses(t *testing.T) {
	const bad = "tGx7QmVw"
	for name, text := range map[string]string{"too short": bad, "not base64": "*" + bad, "31 bytes": encoded(secretOf('x')[1:])} {
		for where, environment := range map[string]variables{
			"SECRET_KEY: ":           {keyVariable: text},
			"SECRET_KEY_FALLBACKS: ": {keyVariable: encoded(secretOf('k')), fallbackVariable: encoded(secretOf('f')) + "," + text},
			"secret.key: ":           {},
		} {
			t.Run(where+name, func(t *testing.T) {
				folder := t.TempDir()
				if err := os.WriteFile(filepath.Join(folder, "secret.key"), []byte(text+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				secrets, err := sessions.ReadSecrets(folder, environment.get)
				if err == nil || secrets != nil || !strings.Contains(err.Error(), where) || strings.Contains(err.Error(), strings.Trim(text, "*=")) {
					t.Errorf("%q, %v", secrets, err)
				}
			})
		}
	}
}

func TestReadSecretsRefusesAnOpenFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Go sees no such bits on Windows; the folder's own protection has to do")
	}
	for mode, taken := range map[fs.FileMode]bool{
		0o600: true, 0o400: true,
		0o640: false, 0o620: false, 0o604: false, 0o644: false, 0o666: false,
	} {
		t.Run(fmt.Sprintf("%04o", mode), func(t *testing.T) {
			folder := t.TempDir()
			file := filepath.Join(folder, "secret.key")
			if err := os.WriteFile(file, []byte(encoded(secretOf('k'))), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, mode); err != nil { // not cut by umask
				t.Fatal(err)
			}
			secrets, err := sessions.ReadSecrets(folder, variables{}.get)
			if taken {
				if err != nil || !bytes.Equal(secrets[0], secretOf('k')) {
					t.Errorf("%q, %v", secrets, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "chmod 600") || !strings.Contains(err.Error(), file) {
				t.Errorf("the error does not say what to do with which file: %v", err)
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != encoded(secretOf('k')) {
				t.Errorf("the file is another one afterwards: %v", err)
			}
			// A key from elsewhere needs no file.
			if _, err := sessions.ReadSecrets(folder, variables{keyVariable: encoded(secretOf('e'))}.get); err != nil {
				t.Error(err)
			}
		})
	}
}

// Programs that start at the same moment must agree on the key, and none may
// meet half a file.
func TestKeyFileIsMadeWhole(t *testing.T) {
	for range 50 {
		folder := t.TempDir()
		var keys [8][]byte
		var errs [8]error
		storetest.Together(len(keys), func(i int) {
			secrets, err := sessions.ReadSecrets(folder, variables{}.get)
			if errs[i] = err; err == nil {
				keys[i] = secrets[0]
			}
		})
		for i, key := range keys {
			if errs[i] != nil || !bytes.Equal(key, keys[0]) {
				t.Fatalf("number %d has another key than number 0, or none: %v", i, errs[i])
			}
		}
		storetest.Equal(t, "left in the folder", namesIn(t, folder), []string{"secret.key"})
	}
}
