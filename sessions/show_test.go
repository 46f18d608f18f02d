package sessions_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"cookielab/sessions"
	"cookielab/sessions/storetest/servers"
)

// What a page shows as the statement is one that the database takes.
func TestStatement(t *testing.T) {
	ctx, file := context.Background(), filepath.Join(t.TempDir(), "test.db")
	store, err := sessions.OpenSQLite(ctx, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	id := sessions.KeyID("show", sessions.NewKey())
	if err := store.Create(ctx, sessions.Record{ID: id, Owner: "alice", Expires: time.Now().Add(time.Hour), Data: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, op := range []string{"load", "stamp", "by owner", "create", "update", "delete", "clear expired"} {
		statement, err := other.Prepare(store.Statement(op))
		if err != nil || store.Statement(op) == "" {
			t.Errorf("%s: %q: %v", op, store.Statement(op), err)
			continue
		}
		defer statement.Close()
	}
	var version int
	var owner, data string
	var created, saved, expires int64
	if err := other.QueryRow(store.Statement("load"), id[:]).Scan(&version, &owner, &created, &saved, &expires, &data); err != nil || version != 1 || owner != "alice" || data != `{"a":1}` {
		t.Errorf("it gives %d %q %q: %v", version, owner, data, err)
	}
	if got := store.Statement("none"); got != "" {
		t.Errorf("an unknown operation is said to be %q", got)
	}
}

func TestRedisEntry(t *testing.T) {
	server := servers.Redis(t)
	ctx := context.Background()
	store, err := sessions.OpenRedis(ctx, server.URL(), sessions.RedisOptions{Prefix: "show:"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	id := sessions.KeyID("show", sessions.NewKey())
	if _, err := store.Entry(ctx, id); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("of nothing: %v", err)
	}
	if err := store.Create(ctx, sessions.Record{ID: id, Owner: "alice", Expires: time.Now().Add(time.Hour), Data: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	entry, err := store.Entry(ctx, id)
	if err != nil || entry.Key != "show:session:"+id.String() || entry.Fields["version"] != "1" || entry.Fields["owner"] != "alice" || entry.Fields["data"] != `{"a":1}` {
		t.Errorf("%+v: %v", entry, err)
	}
	if most := time.Hour + sessions.Linger; entry.TTL > most || entry.TTL < most-time.Minute {
		t.Errorf("its TTL is %v, not %v", entry.TTL, most)
	}
	server.Stop(t)
	if _, err := store.Entry(ctx, id); !errors.Is(err, sessions.ErrUnavailable) {
		t.Errorf("of a stopped server: %v", err)
	}
}
