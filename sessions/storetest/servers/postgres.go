// This file starts PostgreSQL.

package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Postgres starts a PostgreSQL with one empty database. That takes a second or
// two, so let subtests share it: each may have a [Server.Schema] of its own.
// Where there is no PostgreSQL the test is skipped; in CI it fails.
func Postgres(t testing.TB) *Server {
	t.Helper()
	const install, debian = "'apt install postgresql' or 'brew install postgresql'", "/usr/lib/postgresql/*/bin"
	initdb := find(t, "initdb", install, debian)
	path := find(t, "postgres", install, filepath.Dir(initdb), debian)
	folder := postgresFolder(t)
	data := filepath.Join(folder, "data")
	command := func(program string, args ...string) *exec.Cmd {
		process := exec.Command(program, args...)
		process.Dir = folder // it may not be allowed into ours
		process.Env = append(os.Environ(), "LC_ALL=C")
		asPostgres(t, process)
		return process
	}

	made, err := command(initdb, "--pgdata", data, "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--no-locale", "--no-sync").CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", initdb, err, made)
	}
	s := &Server{name: "postgres", ready: "ready to accept connections", stop: syscall.SIGQUIT}
	s.make = func(port int) *exec.Cmd {
		s.url = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
		return command(path, "-D", data, "-p", strconv.Itoa(port),
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
			// A test outlives no power cut, and leaves nothing in /dev/shm.
			"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "dynamic_shared_memory_type=mmap",
			"-c", "shared_buffers=16MB", "-c", "wal_level=minimal", "-c", "max_wal_senders=0")
	}
	return s.open(t)
}

// postgresFolder makes a folder that PostgreSQL may use; it goes with the test.
// Those of t.TempDir lie in one that is closed to other users.
func postgresFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "cookielab-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	giveToPostgres(t, folder)
	return folder
}

// Schema makes an empty schema in the PostgreSQL and gives the URL of a client
// that works in it: what one test files, no other finds.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := pgx.Connect(ctx, s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(ctx)
	schema := fmt.Sprint("test_", s.schemas.Add(1))
	if _, err := client.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	return s.url + "&search_path=" + schema
}
