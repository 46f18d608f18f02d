// Where sessions lie, ours and the peer's beside each other: same driver, same
// pragmas, as many connections.

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2/memstore"
	gorilla "github.com/gorilla/sessions"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"cookielab/sessions"
	"cookielab/sessions/storetest/servers"
)

// place is where sessions lie.
type place struct {
	name   string
	engine sessions.Engine
	store  sessions.Store  // nil: in the cookie
	filler sessions.Engine // to fill it in a hurry; nil: engine
	peer   string
	theirs library

	// longest is what the server itself spent on one command, the longest since it
	// was asked before: nobody else is served meanwhile. nil: it does not tell.
	longest func() (time.Duration, error)

	load, modify float64 // the bars, as parts of what the peer needs; 0: none
}

// backs are the servers that several places share. They start once.
type backs struct {
	host            *host
	postgres, redis *servers.Server
}

// open starts what there is; error says what there is not.
func (h *host) backs() (b *backs, err error) {
	b = &backs{host: h}
	err = h.try(func() {
		b.redis = servers.Redis(h, "--slowlog-log-slower-than", slowCommand, "--slowlog-max-len", "10000")
		b.postgres = servers.Postgres(h)
	})
	return b, err
}

// all opens every place on the list, empty.
func (b *backs) all(list string) ([]place, error) {
	var all []place
	for _, one := range []struct {
		name string
		open func() (place, error)
	}{
		{"memory", b.memory}, {"sqlite", b.sqlite}, {"redis", b.onRedis}, {"postgres", b.onPostgres},
		{"file", b.files}, {"signed_cookies", b.cookie}, {"cached_db", b.cachedDB},
	} {
		if !among(one.name, list) {
			continue
		}
		p, err := one.open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.name, err)
		}
		p.name = one.name
		all = append(all, p)
	}
	return all, nil
}

func (b *backs) memory() (place, error) {
	p := place{peer: "scs memstore", load: 0.5}
	memory, err := sessions.NewMemory(200_000, nil)
	if err != nil {
		return p, err
	}
	p.store, p.theirs = memory, newScs(memstore.NewWithCleanupInterval(0))
	return p.keyed(), nil
}

func (p place) keyed() place {
	p.engine = sessions.Keyed("bench", p.store)
	return p
}

func (b *backs) sqlite() (place, error) {
	p := place{peer: "scs sqlite3store", load: 0.7, modify: 1}
	folder := b.host.TempDir()
	store, err := sessions.OpenSQLite(context.Background(), filepath.Join(folder, "ours.db"), nil)
	if err != nil {
		return p, err
	}
	b.host.Cleanup(func() { _ = store.Close() })
	theirs, err := scsSQLite(b.host, filepath.Join(folder, "theirs.db"))
	p.store, p.theirs = store, theirs
	return p.keyed(), err
}

// scsSQLite is scs with the driver and the pragmas that OpenSQLite uses.
func scsSQLite(h *host, file string) (scsLibrary, error) {
	source := url.URL{Scheme: "file", Path: file, RawQuery: url.Values{
		"_pragma": {"busy_timeout(5000)", "synchronous(NORMAL)", "wal_autocheckpoint(250)", "journal_mode(WAL)"}, "_txlock": {"immediate"},
	}.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return scsLibrary{}, err
	}
	h.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	db.SetMaxIdleConns(max(4, runtime.GOMAXPROCS(0)))
	_, err = db.Exec(`CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);
		CREATE INDEX sessions_expiry_idx ON sessions (expiry);`) // as its README has it
	return newScs(sqlite3store.NewWithCleanupInterval(db, 0)), err
}

// slowCommand is from how many microseconds on Redis notes a command.
const slowCommand = "100"

func (b *backs) onRedis() (place, error) {
	p := place{peer: "scs goredisstore", load: 1.1, modify: 1.1}
	store, err := sessions.OpenRedis(context.Background(), b.redis.URL(), sessions.RedisOptions{Prefix: "ours:"})
	if err != nil {
		return p, err
	}
	b.host.Cleanup(func() { _ = store.Close() })
	options, err := redis.ParseURL(b.redis.URL())
	if err != nil {
		return p, err
	}
	options.PoolSize = 64
	client := redis.NewClient(options)
	b.host.Cleanup(func() { _ = client.Close() })
	p.store, p.theirs = store, newScs(goredisstore.New(client))
	p.longest = func() (longest time.Duration, err error) {
		ctx := context.Background()
		commands, err := client.SlowLogGet(ctx, -1).Result()
		for _, command := range commands {
			longest = max(longest, command.Duration)
		}
		return longest, errors.Join(err, client.Do(ctx, "slowlog", "reset").Err())
	}
	return p.keyed(), store.Clear(context.Background())
}

func (b *backs) onPostgres() (p place, err error) {
	p = place{peer: "scs pgxstore", load: 1.1, modify: 1.1}
	ctx, ourURL, theirURL := context.Background(), "", ""
	if err := b.host.try(func() { ourURL, theirURL = b.postgres.Schema(b.host), b.postgres.Schema(b.host) }); err != nil {
		return p, err
	}
	store, err := sessions.OpenPostgres(ctx, ourURL, nil)
	if err != nil {
		return p, err
	}
	b.host.Cleanup(func() { _ = store.Close() })
	// To wait for the disk a hundred thousand times tells nothing new.
	hurried, err := sessions.OpenPostgres(ctx, ourURL+"&synchronous_commit=off", nil)
	if err != nil {
		return p, err
	}
	b.host.Cleanup(func() { _ = hurried.Close() })
	p.filler = sessions.Keyed("bench", hurried)
	pool, err := pgxpool.New(ctx, theirURL+"&pool_max_conns=16")
	if err != nil {
		return p, err
	}
	b.host.Cleanup(pool.Close)
	_, err = pool.Exec(ctx, `CREATE TABLE sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL);
		CREATE INDEX sessions_expiry_idx ON sessions (expiry);`) // as its README has it
	p.store, p.theirs = store, newScs(pgxstore.NewWithCleanupInterval(pool, 0))
	return p.keyed(), err
}

// secret signs on both sides.
var secret = []byte("0123456789abcdef0123456789abcdef")

func (b *backs) files() (place, error) {
	p := place{peer: "gorilla FilesystemStore", load: 0.7, modify: 1}
	store, err := sessions.OpenFiles(filepath.Join(b.host.TempDir(), "sessions"), nil)
	if err != nil {
		return p, err
	}
	theirs := gorilla.NewFilesystemStore(b.host.TempDir(), secret)
	theirs.MaxLength(0) // 500 keys are more than its default allows
	p.store, p.theirs = store, gorillaLibrary{theirs}
	return p.keyed(), nil
}

func (b *backs) cookie() (place, error) {
	p := place{peer: "gorilla CookieStore", load: 1, modify: 1}
	signer, err := sessions.NewSigner("bench", secret)
	p.engine = sessions.SignedCookies(signer, nil)
	p.theirs = gorillaLibrary{gorilla.NewCookieStore(secret)}
	return p, err
}

// cachedDB has no peer that asks a database as well; its cost stands beside
// that of scs with the database alone.
func (b *backs) cachedDB() (place, error) {
	p, err := b.sqlite()
	if err != nil {
		return p, err
	}
	memory, err := sessions.NewMemory(200_000, nil)
	if err != nil {
		return p, err
	}
	p.store = sessions.NewCached(p.store.(sessions.Database), memory, nil, nil)
	p.load, p.modify = 0, 0
	return p.keyed(), nil
}
