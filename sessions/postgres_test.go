package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
	"cookielab/sessions/storetest/servers"
)

func openPostgres(t testing.TB, url string, clock sessions.Clock) *sessions.Postgres {
	t.Helper()
	store, err := sessions.OpenPostgres(t.Context(), url, clock)
	return opened(t, store, err)
}

// One server for all; each test has a schema of its own in it.
func TestPostgres(t *testing.T) {
	t.Parallel()
	p := postgres{servers.Postgres(t)}
	t.Run("is a store", func(t *testing.T) {
		var addresses sync.Map // of the stores
		spoil := func(column, value string) storetest.Spoil {
			return func(t *testing.T, store sessions.Store, id sessions.ID) {
				t.Helper()
				address, _ := addresses.Load(store)
				if _, err := p.connect(t, address.(string)).Exec(t.Context(), `UPDATE sessions SET `+column+` = `+value+` WHERE id = $1`, id[:]); err != nil {
					t.Fatal(err)
				}
			}
		}
		storetest.Store(t, func(t *testing.T, clock sessions.Clock) sessions.Store {
			address := p.server.Schema(t)
			store := openPostgres(t, address, clock)
			addresses.Store(store, address)
			return store
		}, spoil("version", "-1"), spoil("created", "'infinity'"))
	})
	t.Run("makes an engine", func(t *testing.T) {
		storetest.Engine(t, func(t *testing.T, clock sessions.Clock) sessions.Engine {
			return sessions.Keyed("session", openPostgres(t, p.server.Schema(t), clock))
		})
	})
	t.Run("stamps records", func(t *testing.T) {
		clock := storetest.NewClock()
		stamps(t, openPostgres(t, p.server.Schema(t), clock.Now), clock)
	})
	t.Run("many may start at once", p.manyStart)
	t.Run("needs no right to make a table that is there", p.noRights)
	t.Run("says what is wrong with somebody else's table", p.otherTable)
	t.Run("keeps any bytes, and what is text reads as text in psql", p.bytes)
	t.Run("a row that somebody locks is unavailable, in the time that the URL says", p.lockedRow)
	t.Run("cleaning passes over what is in use", p.cleaning)
	t.Run("answers while more ask than it has connections", p.crowd)
	t.Run("all who wait for a table that somebody locks are answered", p.lockedTable)
	t.Run("one bad row is one unknown session", p.badRow)
	t.Run("lists and trims many of one owner", p.manyOfOneOwner)
	t.Run("on a full disk it only removes", p.fullDisk)
	t.Run("a database that is not there", p.noDatabase)
	t.Run("closed", p.closed)
	t.Run("stopped and started again", p.stopped) // last: its clients' connections break
}

// postgres are tests of one server.
type postgres struct{ server *servers.Server }

func (p postgres) manyStart(t *testing.T) {
	clock := storetest.NewClock()
	for range 10 {
		address := p.server.Schema(t)
		storetest.Together(8, func(n int) {
			store, err := sessions.OpenPostgres(context.Background(), address, clock.Now)
			if err != nil {
				t.Error(err)
				return
			}
			storetest.Is(t, "Create", store.Create(context.Background(), recordOf(neighbour(n), clock)), nil)
			storetest.Is(t, "Close", store.Close(), nil)
		})
		storetest.Equal(t, "records", loads(t, openPostgres(t, address, clock.Now), 8), "01234567")
	}
}

func (p postgres) noRights(t *testing.T) {
	clock := storetest.NewClock()
	address := p.server.Schema(t)
	mustCreate(t, openPostgres(t, address, clock.Now), recordOf(neighbour(1), clock))
	p.run(t, address, `DO $$ BEGIN
		CREATE ROLE visitor LOGIN;
		EXECUTE format('GRANT USAGE ON SCHEMA %I TO visitor', current_schema());
		GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO visitor;
	END $$`)
	as := func(address string) string { return strings.Replace(address, "postgres@", "visitor@", 1) }
	store := openPostgres(t, as(address), clock.Now)
	storetest.Is(t, "Delete", store.Delete(t.Context(), neighbour(1), 1), nil)

	_, err := sessions.OpenPostgres(t.Context(), as(p.server.Schema(t)), clock.Now)
	storetest.Is(t, "where the table would have to be made", err, sessions.ErrUnavailable)
}

func (p postgres) otherTable(t *testing.T) {
	address := p.server.Schema(t)
	p.run(t, address, `CREATE TABLE sessions (id bytea, what int)`)
	_, err := sessions.OpenPostgres(t.Context(), address, nil)
	storetest.Is(t, "OpenPostgres", err, sessions.ErrUnavailable)
	if !strings.Contains(fmt.Sprint(err), `"version"`) {
		t.Errorf("%q does not name the column that is missing", err)
	}
}

func (p postgres) bytes(t *testing.T) {
	clock := storetest.NewClock()
	address := p.server.Schema(t)
	store := openPostgres(t, address, clock.Now)
	for n, data := range [][]byte{nil, {}, {0}, {0xff, 0x00, 0xfe}, []byte(`\x41`), []byte(`{"a":"曲奇\u0000"}`)} {
		rec := recordOf(neighbour(n), clock)
		rec.Owner, rec.Data = "曲奇"+string(data), data
		mustCreate(t, store, rec)
		rec.Version = 1
		for version := range 2 {
			got, err := store.Load(t.Context(), rec.ID)
			storetest.Is(t, "Load", err, nil)
			storetest.Equal(t, "data", string(got.Data), string(data))
			storetest.Equal(t, "owner", got.Owner, rec.Owner)
			owned, err := store.ByOwner(t.Context(), rec.Owner, sessions.Record{}, 1000)
			storetest.Is(t, "ByOwner", err, nil)
			storetest.Equal(t, "records of the owner", len(owned) >= 1 && owned[0].Owner == rec.Owner, true)
			if version == 0 {
				storetest.Is(t, "Update", store.Update(t.Context(), rec), nil)
			}
		}
	}
	var owner, data string
	var expires time.Time
	id := neighbour(5)
	err := p.connect(t, address).QueryRow(t.Context(), `SELECT convert_from(owner, 'UTF8'), expires, convert_from(data, 'UTF8')
		FROM sessions WHERE id = $1`, id[:]).Scan(&owner, &expires, &data)
	storetest.Is(t, "SELECT", err, nil)
	storetest.Equal(t, "owner", owner, `曲奇{"a":"曲奇\u0000"}`)
	storetest.Equal(t, "data", data, `{"a":"曲奇\u0000"}`)
	storetest.Equal(t, "expires", expires.UnixMicro(), clock.Now().Add(time.Hour).UnixMicro())
}

func (p postgres) lockedRow(t *testing.T) {
	clock := storetest.NewClock()
	address := p.server.Schema(t)
	store := openPostgres(t, address+"&lock_timeout=50", clock.Now)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, store, rec)
	rec.Version = 1

	tx := p.lock(t, address, `SELECT FROM sessions FOR UPDATE`)
	err := store.Update(t.Context(), rec)
	storetest.Is(t, "Update", err, sessions.ErrUnavailable)
	if !strings.Contains(fmt.Sprint(err), "lock timeout") {
		t.Errorf("%q does not say why", err)
	}
	storetest.Is(t, "Delete", store.Delete(t.Context(), rec.ID, 0), sessions.ErrUnavailable)
	_, err = store.Load(t.Context(), rec.ID)
	storetest.Is(t, "Load, which waits for nobody", err, nil)
	storetest.Is(t, "Rollback", tx.Rollback(t.Context()), nil)
	storetest.Is(t, "Update afterwards", store.Update(t.Context(), rec), nil)
}

func (p postgres) cleaning(t *testing.T) {
	const dead = 50
	clock := storetest.NewClock()
	address := p.server.Schema(t)
	store := openPostgres(t, address, clock.Now)
	for n := range dead {
		mustCreate(t, store, recordOf(neighbour(n), clock))
	}
	clock.Advance(2 * time.Hour)
	live := recordOf(neighbour(dead), clock)
	mustCreate(t, store, live)

	used := neighbour(7)
	tx := p.lock(t, address, `SELECT FROM sessions WHERE id = $1 FOR UPDATE`, used[:])
	n, err := store.ClearExpired(t.Context(), clock.Now(), 1000)
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared", n, dead-1)
	storetest.Is(t, "Rollback", tx.Rollback(t.Context()), nil)
	n, err = store.ClearExpired(t.Context(), clock.Now(), 1000)
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared afterwards", n, 1)
	_, err = store.Load(t.Context(), live.ID)
	storetest.Is(t, "Load of the live one", err, nil)
}

func (p postgres) crowd(t *testing.T) {
	clock := storetest.NewClock()
	store := openPostgres(t, p.server.Schema(t)+"&pool_max_conns=2", clock.Now)
	rec := recordOf(neighbour(1), clock)
	mustCreate(t, store, rec)
	storetest.Together(50, func(int) {
		_, err := store.Load(context.Background(), rec.ID)
		storetest.Is(t, "Load", err, nil)
	})
}

func (p postgres) lockedTable(t *testing.T) {
	clock := storetest.NewClock()
	address := p.server.Schema(t)
	store := openPostgres(t, address, clock.Now)
	tx := p.lock(t, address, `LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE`)
	allAreAnswered(t, store, clock)
	storetest.Is(t, "Rollback", tx.Rollback(t.Context()), nil)
	mustCreate(t, store, recordOf(neighbour(1), clock))
}

func (p postgres) badRow(t *testing.T) {
	clock := storetest.NewClock()
	address := p.server.Schema(t)
	store := openPostgres(t, address, clock.Now)
	client := p.connect(t, address)
	must := func(statement string, args ...any) {
		t.Helper()
		if _, err := client.Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, column := range []string{"version", "owner", "created", "saved", "expires", "data"} {
		must(`ALTER TABLE sessions ALTER ` + column + ` DROP NOT NULL`)
	}
	spoil := func(id sessions.ID, column, value string) {
		t.Helper()
		must(`UPDATE sessions SET `+column+` = `+value+` WHERE id = $1`, id[:])
	}
	times := []string{"NULL", "'infinity'", "'10000-01-01 00:00:00+00'", "'-infinity'", "'0001-12-31 23:59:59+00 BC'"}
	oneBadRow(t, store, clock, spoil, map[string][]string{
		"version": {"NULL", "0", "-1", "9223372036854775807"},
		"owner":   {"NULL"},
		"created": times, "saved": times,
		"expires": times[:3], // what expired long ago has expired
		"data":    {"NULL"},
	})
	must(`INSERT INTO sessions VALUES ('\x01', 1, 'alice', $1, $1, $2, '')`, clock.Now(), clock.Now().Add(time.Hour))
	storetest.Equal(t, "records whose ID can be read", owned(t, store, "alice"), 1)
}

func (p postgres) manyOfOneOwner(t *testing.T) {
	clock := storetest.NewClock()
	address := p.server.Schema(t)
	store := openPostgres(t, address, clock.Now)
	if _, err := p.connect(t, address).Exec(t.Context(), `INSERT INTO sessions SELECT sha256(i::text::bytea), 1, 'alice', $1::timestamptz,
		$1::timestamptz - i/10 * interval '1 microsecond', $2, convert_to('{"a":"' || repeat('x', 92) || '"}', 'UTF8') FROM generate_series(0, 99999) i`,
		clock.Now(), clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	manyOfOneOwner(t, store)
}

func (p postgres) fullDisk(t *testing.T) {
	const records = 40
	clock := storetest.NewClock()
	disk := smallDisk(t, "size=8m,mode=0777")
	address := p.server.Schema(t)
	p.run(t, address, `COPY (SELECT) TO PROGRAM 'mkdir `+disk+`/space'`) // the server's user must own it
	p.run(t, address, `CREATE TABLESPACE small LOCATION '`+disk+`/space'`)
	store, err := sessions.OpenPostgres(t.Context(), address+"&default_tablespace=small", clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		storetest.Is(t, "Close", store.Close(), nil)
		p.run(t, address, `DROP TABLE sessions`)
		p.run(t, address, `DROP TABLESPACE small`)
	}()
	noise := func(n int) sessions.Record { // random data, which PostgreSQL cannot compress
		rec := recordOf(neighbour(n), clock)
		rec.Data = make([]byte, 30_000)
		rand.NewChaCha8([32]byte{byte(n)}).Read(rec.Data) // never fails
		return rec
	}
	for n := range records {
		mustCreate(t, store, noise(n))
	}
	free := fill(t, disk)
	full := false
	for n := records; n < 4*records && !full; n++ {
		err = store.Create(t.Context(), noise(n))
		full = err != nil
	}
	storetest.Is(t, "Create", err, sessions.ErrFull)
	storetest.Is(t, "Create", err, sessions.ErrUnavailable)
	rec := noise(records - 1)
	rec.Version = 1
	storetest.Is(t, "Update", store.Update(t.Context(), rec), sessions.ErrFull)
	storetest.Is(t, "Delete", store.Delete(t.Context(), neighbour(0), 1), nil)
	n, err := store.Trim(t.Context(), "alice", sessions.Quota{Records: 20, Bytes: 1 << 30})
	storetest.Is(t, "Trim", err, nil)
	storetest.Equal(t, "trimmed some", n > 0, true)
	clock.Advance(2 * time.Hour)
	n, err = store.ClearExpired(t.Context(), clock.Now(), 1000)
	storetest.Is(t, "ClearExpired", err, nil)
	storetest.Equal(t, "cleared", n, 20)
	free()
	mustCreate(t, store, noise(0))
}

func (p postgres) noDatabase(t *testing.T) {
	address := strings.Replace(p.server.URL(), "/postgres?", "/nowhere?", 1)
	_, err := sessions.OpenPostgres(t.Context(), address, nil)
	storetest.Is(t, "OpenPostgres", err, sessions.ErrUnavailable)
	if !strings.Contains(fmt.Sprint(err), `"nowhere"`) {
		t.Errorf("%q does not name the database", err)
	}
}

func (p postgres) closed(t *testing.T) {
	clock := storetest.NewClock()
	store := openPostgres(t, p.server.Schema(t), clock.Now)
	storetest.Is(t, "Ping", store.Ping(t.Context()), nil)
	storetest.Is(t, "Close", store.Close(), nil)
	allUnavailable(t, store, clock)
}

func (p postgres) stopped(t *testing.T) {
	clock := storetest.NewClock()
	store := openPostgres(t, p.server.Schema(t), clock.Now)
	site := storetest.NewSite(t, sessions.Keyed("session", store), clock, nil)
	b := site.Browser()
	set := func(value int) func(*sessions.Session) error {
		return func(s *sessions.Session) error { return s.Set("a", value) }
	}
	storetest.Equal(t, "status", b.Visit(set(1)).Status, http.StatusOK)
	key := b.Key()
	storetest.Together(20, func(int) { // so that several connections break
		storetest.Is(t, "Ping", store.Ping(context.Background()), nil)
	})

	p.server.Stop(t)
	allUnavailable(t, store, clock)
	for name, b := range map[string]*storetest.Browser{"at the load": b, "at the save": site.Browser()} {
		reply := b.Visit(set(2))
		storetest.Equal(t, name+": status", reply.Status, http.StatusServiceUnavailable)
		storetest.Equal(t, name+": Retry-After", reply.Header.Get("Retry-After"), "5")
		storetest.Equal(t, name+": Set-Cookie", reply.Header["Set-Cookie"], nil)
	}
	storetest.Equal(t, "the browser still carries its key", b.Key(), key)

	p.server.Start(t)
	reply := b.Visit(set(3))
	for reply.Status == http.StatusServiceUnavailable { // a connection that broke; there are only so many
		reply = b.Visit(set(3))
	}
	storetest.Equal(t, "status after Start", reply.Status, http.StatusOK)
	storetest.Equal(t, "a", items(t, b)["a"], any(int64(3)))
	storetest.Equal(t, "the key it had before", b.Key(), key)
}

// allUnavailable checks every method of a store that cannot be asked.
func allUnavailable(t *testing.T, store sessions.Store, clock *storetest.Clock) {
	t.Helper()
	ctx, rec := context.Background(), recordOf(neighbour(1), clock)
	_, loaded := store.Load(ctx, rec.ID)
	_, owned := store.ByOwner(ctx, "alice", sessions.Record{}, 1000)
	_, cleared := store.ClearExpired(ctx, clock.Now(), 10)
	for name, err := range map[string]error{
		"Create": store.Create(ctx, rec), "Load": loaded, "Update": store.Update(ctx, rec),
		"Delete": store.Delete(ctx, rec.ID, 0), "Delete of a version": store.Delete(ctx, rec.ID, 1),
		"ByOwner": owned, "ClearExpired": cleared,
	} {
		storetest.Is(t, name, err, sessions.ErrUnavailable)
	}
	if database, ok := store.(sessions.Database); ok {
		_, _, err := database.Stamp(ctx, rec.ID)
		storetest.Is(t, "Stamp", err, sessions.ErrUnavailable)
	}
	if pinged, ok := store.(interface{ Ping(context.Context) error }); ok {
		storetest.Is(t, "Ping", pinged.Ping(ctx), sessions.ErrUnavailable)
	}
}

func (p postgres) connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	client, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

func (p postgres) run(t *testing.T, address, statement string) {
	t.Helper()
	if _, err := p.connect(t, address).Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// lock begins a transaction that keeps what the statement locks.
func (p postgres) lock(t *testing.T, address, statement string, args ...any) pgx.Tx {
	t.Helper()
	tx, err := p.connect(t, address).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
	return tx
}

const secret = "Geheim1"

func TestAPostgresURLThatCannotBeMeantIsRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "sessions.db", "mysql://lab:Geheim1@db/lab", "host=db user=lab password=Geheim1",
		"postgres://lab:Geheim1@db:many/lab", "postgres://lab:Geheim1@db:123456/lab", "postgres://lab:Geheim1%zz@db/lab",
		"postgres://lab:Geheim1/@db/lab", "postgres://lab:Geheim1@[db/lab", "postgres://lab@db/lab?password=Geheim1&sslmode=perhaps",
		"postgres://lab:Geheim1@db/lab?sslmode=perhaps", "postgres://lab:Geheim1@db/lab?pool_max_conns=0",
		"postgres://lab:Geheim1@db/lab?pool_max_conns=many", "postgres://lab:Geheim1@db/lab?connect_timeout=soon",
	} {
		_, err := sessions.OpenPostgres(t.Context(), address, nil)
		storetest.Is(t, address, err, sessions.ErrOption)
		noSecret(t, err)
	}
}

func TestAPostgresThatDoesNotAnswerIsUnavailableSoon(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	storetest.Is(t, "Close", nobody.Close(), nil)
	for name, listener := range map[string]net.Listener{"silent": silent, "nobody there": nobody} {
		address := url.URL{
			Scheme: "postgres", User: url.UserPassword("lab", secret), Host: listener.Addr().String(), Path: "/lab",
			RawQuery: "connect_timeout=1",
		}
		ended := make(chan error, 1)
		go func() {
			_, err := sessions.OpenPostgres(context.Background(), address.String(), nil)
			ended <- err
		}()
		select {
		case err = <-ended:
		case <-time.After(time.Minute): // a second, on a machine that does not stand still
			err = errors.New("OpenPostgres does not end")
		}
		storetest.Is(t, name, err, sessions.ErrUnavailable)
		noSecret(t, err)
	}
}

func noSecret(t *testing.T, err error) {
	t.Helper()
	for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%q", err)} {
		if strings.Contains(text, secret) {
			t.Errorf("it tells the password: %s", text)
		}
	}
}
