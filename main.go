// Cookie Lab: settings → stores → lab → serve → stop cleanly.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/redis/go-redis/v9/logging"

	"cookielab/handlers"
	"cookielab/handlers/input"
	"cookielab/sessions"
)

// What the binary carries: pages, static files, and the Go source that pages
// show. (A pattern cannot leave the tests out; the pages do.)
//
//go:embed templates static handlers/*.go handlers/*/*.go sessions/*.go
var files embed.FS

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
	log := handlers.NewBoundedLog(os.Stderr, nil)
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
	s.secrets, err = readSecrets(s.Data, os.Getenv)
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
`, servers[0].url())
	for _, other := range servers[1:] {
		fmt.Fprintf(out, "  Server %-8s %s/dashboard\n", other.name, other.url())
	}
	if otherSite != nil {
		fmt.Fprintf(out, "  Other site      %s\n", otherSite.url())
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

// readSecrets reads the signing keys: from the environment, else from the key
// file, which is made at the first start.
func readSecrets(folder string, environment func(string) string) ([][]byte, error) {
	var secrets [][]byte
	if text := environment("SECRET_KEY"); text != "" {
		secret, err := decodeSecret(text)
		if err != nil {
			return nil, fmt.Errorf("SECRET_KEY: %w", err)
		}
		secrets = append(secrets, secret)
	} else {
		secret, err := keyFile(filepath.Join(folder, "secret.key"))
		if err != nil {
			return nil, fmt.Errorf("the key file: %w", err)
		}
		secrets = append(secrets, secret)
	}
	for text := range strings.SplitSeq(environment("SECRET_KEY_FALLBACKS"), ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		secret, err := decodeSecret(text)
		if err != nil {
			return nil, fmt.Errorf("SECRET_KEY_FALLBACKS: %w", err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// decodeSecret reads base64 in either alphabet, padded or not. Its errors never
// repeat the text.
func decodeSecret(text string) ([]byte, error) {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	secret, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		secret, err = base64.RawURLEncoding.DecodeString(text)
	}
	if err != nil {
		return nil, errors.New("not base64")
	}
	if len(secret) < sessions.MinSecret {
		return nil, fmt.Errorf("%d bytes, at least %d are needed", len(secret), sessions.MinSecret)
	}
	return secret, nil
}

// keyFile reads the key file, or makes it. One that others may read is
// refused: whoever has the key can sign in as anybody. (On Windows, where Go
// sees no such bits, the folder's own protection has to do.)
func keyFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKeyFile(name); err == nil {
			info, err = os.Stat(name)
		}
	}
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by others (mode %04o); make it private with chmod 600, or delete it for a new key", name, info.Mode().Perm())
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	secret, err := decodeSecret(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return secret, nil
}

// makeKeyFile makes the key file whole or not at all, so that a program started
// at the same moment, or after a crash, never reads half a key. If the other
// one was faster, its key stays.
func makeKeyFile(name string) error {
	file, err := os.CreateTemp(filepath.Dir(name), "new-*.key") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	secret := make([]byte, sessions.MinSecret)
	rand.Read(secret) // never fails
	_, err = file.WriteString(base64.StdEncoding.EncodeToString(secret) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	err = os.Link(file.Name(), name) // unlike Rename, never replaces
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil: // a file system without links: then the last one stays
		return os.Rename(file.Name(), name)
	}
	return nil
}

// run builds the lab from the inside out, serves until it is told to stop, and
// takes it apart in reverse order.
func run(settings *settings, out io.Writer, log *slog.Logger) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if err := settings.complete(); err != nil {
		return err
	}
	listeners, notes, err := listen(settings.Addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	first := &server{name: settings.ServerName, address: settings.Addr, listeners: listeners}
	servers := []*server{first}
	defer func() { err = errors.Join(err, closeAll(servers)) }()
	listeners, more, err := listenIfFree("--node-b-addr", settings.NodeBAddr, "second server")
	if err != nil {
		return err
	}
	if notes = append(notes, more...); listeners != nil {
		first.name = cmp.Or(first.name, "A") // who is alone needs no name
		servers = append(servers, &server{name: nodeB, address: settings.NodeBAddr, listeners: listeners})
	}
	labs := slices.Clip(servers)
	pages, err := handlers.ReadPages(files, settings.Engine)
	if err != nil {
		return err
	}
	course, err := handlers.ReadCourse(files, pages)
	if err != nil {
		return err
	}
	otherSite, more, err := settings.openOtherSite(labs, pages, log)
	if err != nil {
		return err
	}
	if notes = append(notes, more...); otherSite != nil {
		servers = append(labs, otherSite)
	}
	shared := handlers.Config{Pages: pages, Course: course, Class: new(handlers.Class), Log: log}
	for _, s := range labs {
		if err := s.open(ctx, settings, shared, labs, otherSite); err != nil {
			return err
		}
	}
	slices.Sort(notes)
	settings.greet(out, labs, otherSite, slices.Compact(notes))
	return serve(ctx, stop, servers)
}

// openOtherSite makes the other site beside the lab's servers; nil where it is
// switched off or cannot be, and the notes say why.
func (s *settings) openOtherSite(labs []*server, pages *handlers.Pages, log *slog.Logger) (other *server, notes []string, err error) {
	listeners, notes, err := listenIfFree("--other-addr", s.OtherAddr, "other site")
	if listeners == nil {
		return nil, notes, err
	}
	other = &server{address: s.OtherAddr, listeners: listeners}
	config := handlers.OtherSiteConfig{Pages: pages, Address: other.url(), Lab: labs[0].url(), Log: log}
	if len(labs) > 1 {
		config.Neighbour = labs[0].urlAt(labs[1].port())
	}
	site, err := handlers.NewOtherSite(config)
	if err != nil {
		err = errors.Join(err, closeAll([]*server{other}))
	}
	switch {
	case errors.Is(err, handlers.ErrSameSite):
		return nil, []string{fmt.Sprintf("There is no other site: to a browser, %s is the same site as %s, since ports do not count. --other-addr chooses another host.", s.OtherAddr, s.Addr)}, nil
	case err != nil:
		return nil, nil, fmt.Errorf("--other-addr: %w", err)
	}
	other.http = newServer(site, log)
	return other, notes, nil
}

// server is one of the servers in this process: the lab with its own stores,
// and so with a memory of its own; or the other site, which has neither.
type server struct {
	name      string // what pages call it; "": it is alone
	address   string // as it was asked for
	listeners []net.Listener

	stores *sessions.Stores
	lab    *handlers.Lab
	http   *http.Server
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
			others = append(others, input.Server{Server: other.name, Port: other.port()})
		}
	}
	var elsewhere string
	if otherSite != nil {
		elsewhere = otherSite.url()
	}
	s.lab, err = handlers.New(handlers.Config{
		Pages: shared.Pages, Course: shared.Course, Sessions: store, Notebooks: notebooks,
		Engines: settings.engines(log), FilePath: settings.FilePath,
		Cookie: settings.cookie(), Secrets: settings.secrets,
		ClassPassword: settings.ClassPassword, TeacherPIN: settings.TeacherPIN,
		AllowHosts: settings.AllowHost, Hosts: hostsOf(s.address, s.listeners),
		Server: s.name, Others: others, Home: s.url(), Other: elsewhere, Class: shared.Class, Log: log,
	})
	if err != nil {
		return settings.explain(err)
	}
	s.http = newServer(s.lab, log)
	s.http.RegisterOnShutdown(s.lab.EndStreams)
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
		for _, listener := range s.listeners {
			_ = listener.Close() // serving has closed it, unless an error came before
		}
	}
	return errors.Join(errs...)
}

func (s *server) port() string {
	_, port, _ := net.SplitHostPort(s.listeners[0].Addr().String()) // what a listener says is well formed
	return port
}

// url is where a browser finds it.
func (s *server) url() string { return s.urlAt(s.port()) }

// urlAt is where a browser finds another port of its host.
func (s *server) urlAt(port string) string {
	host, _, _ := net.SplitHostPort(s.listeners[0].Addr().String()) // as above
	if asked, _, _ := net.SplitHostPort(s.address); strings.EqualFold(asked, "localhost") {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// newServer sets the limits: slow or silent clients do not hold a connection
// for ever.
func newServer(lab http.Handler, log *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:           lab,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	handlers.GuardServer(s)
	return s
}

// serve runs until the context ends; then it finishes the requests under way,
// for ten seconds at most. A second signal ends the program at once, because
// stop has given the signals back.
func serve(ctx context.Context, stop func(), servers []*server) error {
	failed := make(chan error, 4*len(servers))
	for _, s := range servers {
		for _, listener := range s.listeners {
			go func() { failed <- s.http.Serve(handlers.GuardListener(listener)) }()
		}
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	stop()
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var ended sync.WaitGroup
	errs := make([]error, len(servers))
	for i, s := range servers {
		ended.Go(func() { errs[i] = s.http.Shutdown(last) })
	}
	ended.Wait()
	return errors.Join(append(errs, err)...)
}

// listen opens an address. "localhost" means 127.0.0.1 and [::1] on the same
// port, because browsers try one or the other first; whatever is not loopback
// is refused. The notes say what is different from the usual.
func listen(address string) (listeners []net.Listener, notes []string, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, fmt.Errorf("%q is not HOST:PORT", address)
	}
	if !strings.EqualFold(host, "localhost") {
		// Not IsLoopback: requests to 127.0.0.2 would all be answered 421.
		if ip := net.ParseIP(host); !ip.Equal(net.IPv4(127, 0, 0, 1)) && !ip.Equal(net.IPv6loopback) {
			return nil, nil, fmt.Errorf("%q: only localhost, 127.0.0.1 and [::1] are served; the lab shows every cookie in clear and stays on this machine", address)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, nil, busy(address, err)
		}
		return []net.Listener{l}, nil, nil
	}
	// Port 0 picks a free port once, for both; it may be taken on the other
	// address, so another is tried.
	for range 10 {
		four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return nil, nil, busy(address, err)
		}
		_, chosen, _ := net.SplitHostPort(four.Addr().String()) // what a listener says is well formed
		six, err := net.Listen("tcp6", net.JoinHostPort("::1", chosen))
		switch {
		case err == nil:
			return []net.Listener{four, six}, nil, nil
		case isNoIPv6(err):
			return []net.Listener{four}, []string{"This machine has no IPv6, so only 127.0.0.1 is served."}, nil
		}
		_ = four.Close() // half an address is none
		if port != "0" || !isBusy(err) {
			return nil, nil, busy(address, err)
		}
	}
	return nil, nil, fmt.Errorf("no port is free on both 127.0.0.1 and [::1]")
}

// listenIfFree is listen for what the lab can do without: none for an empty
// address, and for one in use, which the notes say.
func listenIfFree(setting, address, what string) (listeners []net.Listener, notes []string, err error) {
	if address == "" {
		return nil, nil, nil
	}
	listeners, notes, err = listen(address)
	var taken *busyError
	switch {
	case errors.As(err, &taken):
		return nil, []string{fmt.Sprintf("There is no %s: %s is in use. %s chooses another address.", what, address, setting)}, nil
	case err != nil:
		return nil, nil, fmt.Errorf("%s: %w", setting, err)
	}
	return listeners, notes, nil
}

// hostsOf are the names under which browsers reach the listeners.
func hostsOf(address string, listeners []net.Listener) []string {
	var hosts []string
	if host, _, _ := net.SplitHostPort(address); strings.EqualFold(host, "localhost") {
		hosts = append(hosts, "localhost")
	}
	for _, listener := range listeners {
		host, _, _ := net.SplitHostPort(listener.Addr().String()) // what a listener says is well formed
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		hosts = append(hosts, host)
	}
	return hosts
}

func isBusy(err error) bool {
	const windows = syscall.Errno(10048) // WSAEADDRINUSE, which Go does not translate
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windows)
}

// isNoIPv6 reports that there is no such address here, or no such kind of address.
func isNoIPv6(err error) bool {
	const windowsFamily, windowsAddress = syscall.Errno(10047), syscall.Errno(10049)
	return errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) ||
		errors.Is(err, windowsFamily) || errors.Is(err, windowsAddress)
}

func busy(address string, err error) error {
	if isBusy(err) {
		return &busyError{address}
	}
	return err
}

// busyError says that another program listens there.
type busyError struct{ address string }

func (e *busyError) Error() string {
	return e.address + " is in use by another program; choose another port, for example --addr localhost:8090"
}
