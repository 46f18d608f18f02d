// Cookie Lab: settings → stores → lab → serve → stop cleanly.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/redis/go-redis/v9/logging"

	"cookielab/handlers"
	"cookielab/handlers/input"
	"cookielab/handlers/othersite"
	"cookielab/handlers/revoke"
	"cookielab/handlers/serve"
	"cookielab/handlers/web"
	"cookielab/sessions"
)

func main() {
	if os.Getenv("GOGC") == "" {
		// What lives is small, what a page leaves behind is not: to collect it half as
		// often was measured to save a twentieth (whoami) to a tenth (dashboard) of the
		// time.
		debug.SetGCPercent(300)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		// The 300 % are cheap only while little is in memory: with full wires the heap
		// would grow to four times their size. From 176 MB on it is collected more often.
		debug.SetMemoryLimit(176 << 20)
	}
	logging.Disable() // of Redis, which would log past ours what it returns as an error, too
	settings, err := readSettings(os.Args[1:])
	log := serve.NewBoundedLog(os.Stderr, nil)
	slog.SetDefault(slog.New(log)) // for what libraries log by themselves
	if err == nil {
		err = run(settings, os.Stdout, slog.New(log))
	}
	log.Flush()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cookielab:", strings.Join(strings.Fields(err.Error()), " ")) // one line, always
		os.Exit(1)
	}
}

// settings are the flags and environment variables. The names in capitals are
// Django's where it has one.
type settings struct {
	Addr          string   `default:"localhost:8080" env:"COOKIELAB_ADDR" placeholder:"HOST:PORT" help:"Where to listen; loopback only. Port 0 picks a free one. (${default})"`
	NodeBAddr     string   `name:"node-b-addr" default:"localhost:8082" env:"COOKIELAB_NODE_B_ADDR" placeholder:"HOST:PORT" help:"Where the same lab listens as a second server, with a memory of its own; empty: nowhere. (${default})"`
	OtherAddr     string   `name:"other-addr" default:"127.0.0.1:8081" env:"COOKIELAB_OTHER_ADDR" placeholder:"HOST:PORT" help:"Where pages of another site listen, which send requests to the lab; its host must not be the lab's; empty: nowhere. (${default})"`
	ServerName    string   `env:"COOKIELAB_SERVER_NAME" placeholder:"LETTER" help:"What pages call this server, where several answer. (A, beside node B)"`
	AllowHost     []string `env:"COOKIELAB_ALLOW_HOST" placeholder:"HOST[:PORT]" help:"A further Host header to answer to, for a proxy on this machine. Repeatable."`
	Data          string   `env:"COOKIELAB_DATA" placeholder:"DIR" help:"Folder for the database and the key file. (your configuration folder)"`
	Engine        string   `enum:"db,cache,file,cached_db,signed_cookies" default:"db" env:"SESSION_ENGINE" help:"Where sessions live: db, cache, file, cached_db or signed_cookies. (${default})"`
	DatabaseURL   string   `name:"database-url" env:"COOKIELAB_DATABASE_URL" placeholder:"URL" help:"postgres://…, or a SQLite file, within the data folder unless absolute. (cookielab.db)"`
	CacheURL      string   `name:"cache-url" default:"memory:" env:"COOKIELAB_CACHE_URL" placeholder:"URL" help:"Of the engines cache and cached_db: memory: (each server's own) or redis://… (one node or Cluster). (${default})"`
	FilePath      string   `name:"session-file-path" env:"SESSION_FILE_PATH" placeholder:"DIR" help:"Folder of the engine file, within the data folder unless absolute. (sessions)"`
	ClassPassword string   `default:"cookies" env:"COOKIELAB_CLASS_PASSWORD" help:"What students sign in with; shown on the page. (${default})"`
	TeacherPIN    string   `name:"teacher-pin" env:"COOKIELAB_TEACHER_PIN" placeholder:"DIGITS" help:"What the name teacher signs in with. (6 random digits, printed at the start)"`

	CookieName     string `name:"session-cookie-name" default:"lab_sessionid" env:"SESSION_COOKIE_NAME" group:"session" help:"(${default})"`
	CookiePath     string `name:"session-cookie-path" default:"/" env:"SESSION_COOKIE_PATH" group:"session" help:"(${default})"`
	CookieDomain   string `name:"session-cookie-domain" env:"SESSION_COOKIE_DOMAIN" group:"session" help:"(none: this host alone)"`
	CookieSecure   bool   `name:"session-cookie-secure" default:"false" negatable:"" env:"SESSION_COOKIE_SECURE" group:"session" help:"(${default})"`
	CookieHTTPOnly bool   `name:"session-cookie-httponly" default:"true" negatable:"" env:"SESSION_COOKIE_HTTPONLY" group:"session" help:"(${default})"`
	CookieSameSite string `name:"session-cookie-samesite" default:"Lax" env:"SESSION_COOKIE_SAMESITE" group:"session" help:"Lax, Strict or None. (${default})"`
	CookieAge      int64  `name:"session-cookie-age" default:"1209600" env:"SESSION_COOKIE_AGE" group:"session" help:"Seconds. (${default}, two weeks)"`
	BrowserClose   bool   `name:"session-expire-at-browser-close" default:"false" negatable:"" env:"SESSION_EXPIRE_AT_BROWSER_CLOSE" group:"session" help:"(${default})"`
	SaveAlways     bool   `name:"session-save-every-request" default:"false" negatable:"" env:"SESSION_SAVE_EVERY_REQUEST" group:"session" help:"(${default})"`

	secrets [][]byte
}

const description = `Cookie Lab shows what a plain cookie, a signed cookie and a server-side session each keep, send and conclude.

Signing keys come from SECRET_KEY and SECRET_KEY_FALLBACKS (base64, 32 bytes or more each, fallbacks separated by commas), else from the file secret.key in the data folder, which is made at the first start.`

// readSettings reads flags and environment; --help prints itself and ends.
func readSettings(args []string) (*settings, error) {
	s := &settings{}
	parser, err := kong.New(s, kong.Name("cookielab"), kong.Description(description),
		kong.ExplicitGroups([]kong.Group{{Key: "session", Title: "Session cookie, by Django's names:"}}))
	if err != nil {
		return nil, err
	}
	if _, err := parser.Parse(args); err != nil {
		// An argument that belongs nowhere is repeated; it may be a URL with a password.
		if before, _, isURL := strings.Cut(err.Error(), "://"); isURL {
			return nil, errors.New(before + "://…")
		}
		return nil, err
	}
	return s, nil
}

// complete fills in what was left open and prepares the data folder. Each
// error names its setting.
func (s *settings) complete() error {
	if s.Data == "" {
		base, err := os.UserConfigDir()
		if err != nil {
			return fmt.Errorf("--data: this system names no configuration folder (%w); give one", err)
		}
		s.Data = filepath.Join(base, "cookielab")
	}
	var err error
	if s.Data, err = filepath.Abs(s.Data); err == nil {
		err = os.MkdirAll(s.Data, 0o700)
	}
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	if !isPostgres(s.DatabaseURL) {
		file := strings.TrimPrefix(s.DatabaseURL, "sqlite:")
		if foreignDatabase.MatchString(file) {
			// It may hold a password, so it is not repeated.
			return errors.New("--database-url: neither postgres://… nor the name of a file for SQLite")
		}
		s.DatabaseURL = s.within(cmp.Or(file, "cookielab.db"))
	}
	if s.CacheURL = cmp.Or(s.CacheURL, inMemory); s.CacheURL != inMemory && !redisURL.MatchString(s.CacheURL) {
		return errors.New("--cache-url: it must be memory: or redis://host:6379")
	}
	s.FilePath = s.within(cmp.Or(s.FilePath, "sessions"))
	switch {
	case s.ServerName != "" && !letters.MatchString(s.ServerName):
		return fmt.Errorf("--server-name: %q must be 1 to 12 letters, digits or hyphens", s.ServerName)
	case s.NodeBAddr != "" && strings.EqualFold(s.ServerName, nodeB):
		return fmt.Errorf("--server-name: %s is the second server's; choose another, or switch that one off with --node-b-addr=", nodeB)
	}
	for _, host := range s.AllowHost {
		if host == "" || strings.ContainsAny(host, "/@ \t") {
			return fmt.Errorf("--allow-host: %q is no HOST or HOST:PORT", host)
		}
	}
	if s.ClassPassword == "" {
		return errors.New("--class-password: must not be empty")
	}
	if s.TeacherPIN == "" {
		s.TeacherPIN = randomPIN()
	}
	if s.CookieAge > int64(sessions.MaxAge/time.Second) || s.CookieAge < 1 {
		return fmt.Errorf("SESSION_COOKIE_AGE: %d must be from 1 second to 400 days (%d)", s.CookieAge, sessions.MaxAge/time.Second)
	}
	if _, ok := sameSites[strings.ToLower(s.CookieSameSite)]; !ok {
		return fmt.Errorf("SESSION_COOKIE_SAMESITE: %q must be Lax, Strict or None", s.CookieSameSite)
	}
	s.secrets, err = sessions.ReadSecrets(s.Data, os.Getenv)
	return err
}

// nodeB is what pages call the second server in the process.
const nodeB = "B"

// within is a path within the data folder, unless it is absolute.
func (s *settings) within(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.Data, path)
}

// What settings may be, or may not.
var (
	// A URL of another database (C: is a drive), or what only PostgreSQL reads.
	foreignDatabase = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:|://|password=`)
	redisURL        = regexp.MustCompile(`^rediss?://`)
	letters         = regexp.MustCompile(`^[\p{L}\p{N}-]{1,12}$`)
)

// inMemory is the cache that each server has for itself.
const inMemory = "memory:"

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// backend is where the settings say that sessions lie.
func (s *settings) backend(log *slog.Logger) sessions.Backend {
	return sessions.Backend{Database: s.DatabaseURL, Cache: s.CacheURL, Files: s.FilePath, Logger: log}
}

// engines is where the page that shows all engines keeps its own sessions: in
// the same database and cache, apart from the lab's.
func (s *settings) engines(log *slog.Logger) sessions.Backend {
	own := s.backend(log)
	own.CachePrefix, own.Files, own.MemoryLimit = "cookielab-engines:", s.within("engines"), 10_000
	return own
}

// places are the engine and what it needs, in words. URLs may hold passwords.
func (s *settings) places() string {
	database, cache := "SQLite", "memory"
	if isPostgres(s.DatabaseURL) {
		database = "PostgreSQL"
	}
	if s.CacheURL != inMemory {
		cache = "Redis"
	}
	switch s.Engine {
	case sessions.EngineDB:
		return s.Engine + " (" + database + ")"
	case sessions.EngineCache:
		return s.Engine + " (" + cache + ")"
	case sessions.EngineCachedDB:
		return s.Engine + " (" + cache + " before " + database + ")"
	default:
		return s.Engine
	}
}

var sameSites = map[string]http.SameSite{
	"lax": http.SameSiteLaxMode, "strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode,
}

func (s *settings) cookie() sessions.Options {
	return sessions.Options{
		Name: s.CookieName, Path: s.CookiePath, Domain: s.CookieDomain, Secure: s.CookieSecure, HTTPOnly: s.CookieHTTPOnly,
		SameSite: sameSites[strings.ToLower(s.CookieSameSite)], Age: time.Duration(s.CookieAge) * time.Second,
		ExpireAtBrowserClose: s.BrowserClose, SaveEveryRequest: s.SaveAlways,
	}
}

// explain names the setting behind an option that the sessions package refused.
func (s *settings) explain(err error) error {
	var bad *sessions.OptionError
	if !errors.As(err, &bad) {
		return err
	}
	return fmt.Errorf("SESSION_COOKIE_%s: %s", strings.ToUpper(bad.Option), bad.Reason)
}

// blame names the setting by which a store does not open.
func blame(setting string, err error) error {
	var bad *sessions.OptionError
	if errors.As(err, &bad) {
		return fmt.Errorf("%s: %s", setting, bad.Reason)
	}
	return fmt.Errorf("%s: %w", setting, err)
}

// greet says where the lab is and how to get in. Only here, and never in the log.
func (s *settings) greet(out io.Writer, servers []*server, otherSite *server, notes []string) {
	fmt.Fprintf(out, `Cookie Lab is running.

  Open            %s/dashboard
  Lessons         %[1]s/lessons
`, servers[0].at.URL())
	for _, other := range servers[1:] {
		fmt.Fprintf(out, "  Server %-8s %s/dashboard\n", other.name, other.at.URL())
	}
	if otherSite != nil {
		fmt.Fprintf(out, "  Other site      %s\n", otherSite.at.URL())
	}
	fmt.Fprintf(out, `  Class password  %s
  Teacher         name "teacher", PIN %s
  Engine          %s
  Data            %s

`, s.ClassPassword, s.TeacherPIN, s.places(), s.Data)
	for _, note := range notes {
		fmt.Fprintln(out, note)
	}
	fmt.Fprintln(out, "Stop it with Ctrl+C.")
}

// randomPIN is six digits, each PIN equally likely.
func randomPIN() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand ends the program before it fails
	}
	return fmt.Sprintf("%06d", n)
}

// run builds the lab from the inside out, serves until it is told to stop, and
// takes it apart in reverse order.
func run(settings *settings, out io.Writer, log *slog.Logger) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if err := settings.complete(); err != nil {
		return err
	}
	at, notes, err := serve.Listen(settings.Addr)
	if errors.Is(err, serve.ErrBusy) {
		err = fmt.Errorf("%w; choose another port, for example --addr localhost:8090", err)
	}
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	first := &server{name: settings.ServerName, at: at}
	servers := []*server{first}
	defer func() { err = errors.Join(err, closeAll(servers)) }()
	at, more, err := serve.ListenIfFree("--node-b-addr", settings.NodeBAddr, "second server")
	if err != nil {
		return err
	}
	if notes = append(notes, more...); at != nil {
		first.name = cmp.Or(first.name, "A") // who is alone needs no name
		servers = append(servers, &server{name: nodeB, at: at})
	}
	labs := slices.Clip(servers)
	assets, err := web.ReadAssets(files, settings.Engine)
	if err != nil {
		return err
	}
	course, err := handlers.ReadCourse(files, assets)
	if err != nil {
		return err
	}
	otherSite, more, err := settings.openOtherSite(labs, assets, log)
	if err != nil {
		return err
	}
	if notes = append(notes, more...); otherSite != nil {
		servers = append(labs, otherSite)
	}
	shared := handlers.Config{Assets: assets, Course: course, Class: new(revoke.Class), Log: log}
	for _, s := range labs {
		if err := s.open(ctx, settings, shared, labs, otherSite); err != nil {
			return err
		}
	}
	slices.Sort(notes)
	settings.greet(out, labs, otherSite, slices.Compact(notes))
	var all []*serve.Server
	for _, s := range servers {
		all = append(all, s.http)
	}
	return serve.Run(ctx, stop, all...)
}

// openOtherSite makes the other site beside the lab's servers; nil where it is
// switched off or cannot be, and the notes say why.
func (s *settings) openOtherSite(labs []*server, assets *web.Assets, log *slog.Logger) (other *server, notes []string, err error) {
	at, notes, err := serve.ListenIfFree("--other-addr", s.OtherAddr, "other site")
	if at == nil {
		return nil, notes, err
	}
	config := othersite.Config{Assets: assets, Address: at.URL(), Lab: labs[0].at.URL(), Log: log}
	if len(labs) > 1 {
		config.Neighbour = labs[0].at.URLAt(labs[1].at.Port)
	}
	site, err := othersite.New(config)
	if err != nil {
		at.Close()
	}
	switch {
	case errors.Is(err, othersite.ErrSameSite):
		return nil, []string{fmt.Sprintf("There is no other site: to a browser, %s is the same site as %s, since ports do not count. --other-addr chooses another host.", s.OtherAddr, s.Addr)}, nil
	case err != nil:
		return nil, nil, fmt.Errorf("--other-addr: %w", err)
	}
	return &server{at: at, http: serve.NewServer(at, site, web.SecureHeaders(), log)}, notes, nil
}

// server is one of the servers in this process: the lab with its own stores,
// and so with a memory of its own; or the other site, which has neither.
type server struct {
	name   string // what pages call it; "": it is alone
	at     *serve.Endpoint
	stores *sessions.Stores
	lab    *handlers.Lab
	http   *serve.Server
}

// open opens the server's stores and makes its lab, of what all labs share. Notebooks
// lie in the database, whatever the engine.
func (s *server) open(ctx context.Context, settings *settings, shared handlers.Config, labs []*server, otherSite *server) error {
	log := shared.Log
	s.stores = settings.backend(log).Stores()
	notebooks, err := s.stores.Database(ctx)
	if err != nil {
		return blame("--database-url", err)
	}
	store, err := s.stores.Engine(ctx, settings.Engine)
	if err != nil {
		return blame(settingOf[settings.Engine], err)
	}
	go s.stores.Clean(ctx, time.Minute)
	var others []input.Server
	for _, other := range labs {
		if other != s {
			others = append(others, input.Server{Server: other.name, Port: other.at.Port})
		}
	}
	var elsewhere string
	if otherSite != nil {
		elsewhere = otherSite.at.URL()
	}
	s.lab, err = handlers.New(handlers.Config{
		Assets: shared.Assets, Course: shared.Course, Sessions: store, Notebooks: notebooks,
		Engines: settings.engines(log), FilePath: settings.FilePath,
		Cookie: settings.cookie(), Secrets: settings.secrets,
		ClassPassword: settings.ClassPassword, TeacherPIN: settings.TeacherPIN,
		AllowHosts: settings.AllowHost, Hosts: s.at.Hosts(),
		Server: s.name, Others: others, Home: s.at.URL(), Other: elsewhere, Class: shared.Class, Log: log,
	})
	if err != nil {
		return settings.explain(err)
	}
	s.http = serve.NewServer(s.at, s.lab, web.SecureHeaders(), log)
	s.http.OnShutdown(s.lab.EndStreams)
	return nil
}

// settingOf is the setting to blame when an engine's store does not open.
var settingOf = map[string]string{
	sessions.EngineDB: "--database-url", sessions.EngineCache: "--cache-url",
	sessions.EngineFile: "--session-file-path", sessions.EngineCachedDB: "--cache-url",
}

// closeAll closes what run opened, in reverse order.
func closeAll(servers []*server) error {
	var errs []error
	for _, s := range slices.Backward(servers) {
		if s.lab != nil {
			s.lab.Close()
		}
		if s.stores != nil {
			errs = append(errs, s.stores.Close())
		}
		s.at.Close() // serving has done so, unless an error came before
	}
	return errors.Join(errs...)
}
