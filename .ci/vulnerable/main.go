// Command vulnerable asks the Go vulnerability database about the code that the program
// calls. It fails if there is a vulnerability. If the database cannot be reached it says so,
// and does not fail.
//
//	go run ./.ci/vulnerable [database]
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	govulncheck = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"
	patience    = 5 * time.Second // how long the database may take to answer
	found       = 3               // govulncheck's exit code if there is a vulnerability
)

func main() {
	database := "https://vuln.go.dev"
	if len(os.Args) > 1 {
		database = os.Args[1]
	}
	if err := ask(database); err != nil {
		fmt.Fprintln(os.Stderr, "vulnerable:", err)
		os.Exit(1)
	}
}

func ask(database string) error {
	unreachable := func(why error) error {
		fmt.Printf("Vulnerabilities were not looked up: %s cannot be reached (%v).\n", database, why)
		return nil
	}
	client := http.Client{Timeout: patience}
	there, err := client.Get(database + "/index/db.json")
	if err != nil {
		return unreachable(errors.Unwrap(err))
	}
	_ = there.Body.Close()
	if there.StatusCode != http.StatusOK {
		return unreachable(errors.New(there.Status))
	}
	// It is built first, because go run always exits with 1.
	folder, err := os.MkdirTemp("", "vulnerable")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	install := exec.Command("go", "install", govulncheck)
	install.Env = append(os.Environ(), "GOBIN="+folder)
	install.Stderr = os.Stderr
	if err := install.Run(); err != nil {
		return fmt.Errorf("installing %s: %w", govulncheck, err)
	}
	var said bytes.Buffer
	check := exec.Command(folder+"/govulncheck", "-db", database, "./...")
	check.Stdout, check.Stderr = io.MultiWriter(os.Stdout, &said), io.MultiWriter(os.Stderr, &said)
	var exit *exec.ExitError
	switch err := check.Run(); {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.ExitCode() == found:
		return errors.New("the program calls code that is known to be vulnerable, see above")
	case strings.Contains(said.String(), "fetching vulnerabilities"):
		return unreachable(err) // the connection was lost meanwhile
	default:
		return err
	}
}
