//go:build unix

// What a page costs: requests a second over loopback, beside the load generator
// on the same machine, with sessions and notebooks in SQLite. Ratios count, and
// no test asserts a time; beside other libraries and Django: sessions/bench.

package handlers_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"cookielab/handlers/labtest"
)

// BenchmarkDashboard asks for /dashboard as somebody who is signed in.
func BenchmarkDashboard(b *testing.B) { benchmarkPage(b, "/dashboard") }

// BenchmarkLanes asks for the same without a page around it.
func BenchmarkLanes(b *testing.B) { benchmarkPage(b, "/api/lanes") }

// BenchmarkWhoami asks who this is, by the session's cookie alone and, as a
// browser on the lab's own pages does, with all cookies: then the request stands
// on the wire.
func BenchmarkWhoami(b *testing.B) {
	b.Run("session", func(b *testing.B) { benchmarkPage(b, "/api/whoami", "lab_sessionid") })
	b.Run("browser", func(b *testing.B) { benchmarkPage(b, "/api/whoami") })
}

// BenchmarkHome asks for a page that shows little.
func BenchmarkHome(b *testing.B) { benchmarkPage(b, "/") }

// BenchmarkStatic asks for a file from memory: what HTTP itself costs here.
func BenchmarkStatic(b *testing.B) { benchmarkPage(b, "/favicon.ico") }

// benchmarkPage asks for a page with the cookies of these names; without names,
// all of them.
func benchmarkPage(b *testing.B, path string, names ...string) {
	lab := labtest.New(b)
	c := lab.Client().SignIn("alice")
	if len(names) > 0 {
		c.Cookies = slices.DeleteFunc(c.Cookies, func(cookie *http.Cookie) bool { return !slices.Contains(names, cookie.Name) })
	}
	request := "GET " + path + " HTTP/1.1\r\nHost: " + lab.Addr + "\r\nCookie: " + c.Header() + "\r\n\r\n"
	b.SetParallelism(4)
	var size int64
	before := cpuTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		connection, err := net.Dial("tcp", lab.Addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer connection.Close()
		reader := bufio.NewReader(connection)
		for pb.Next() {
			if _, err := io.WriteString(connection, request); err != nil {
				b.Error(err)
				return
			}
			response, err := http.ReadResponse(reader, nil)
			if err != nil || response.StatusCode != http.StatusOK {
				b.Error(response, err)
				return
			}
			size, _ = io.Copy(io.Discard, response.Body)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/req")
	b.ReportMetric(float64(size), "bytes")
}

// cpuTime is what this process has used so far, the load generator included.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
