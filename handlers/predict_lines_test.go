// The lines that the model of the browser is held against. {+60} is the date that
// is sixty seconds ahead, {+60|layout} the same in another form.

package handlers_test

import (
	"fmt"
	"strings"
	"time"
)

// predictions are all of them.
func predictions() []predicted {
	const here = "http://localhost/"
	var all []predicted
	// one tries each line alone.
	one := func(topic, url string, lines ...string) {
		for _, line := range lines {
			all = append(all, predicted{name: fmt.Sprintf("%s %.60q", topic, line), url: url, set: [][]string{{line}}})
		}
	}
	// filled puts each value into a line.
	filled := func(topic, url, line string, values ...string) {
		for _, value := range values {
			one(topic, url, fmt.Sprintf(line, value))
		}
	}
	// then tries responses one after the other.
	then := func(topic, url string, responses ...[]string) {
		all = append(all, predicted{name: fmt.Sprintf("%s %.80q", topic, responses), url: url, set: responses})
	}
	// scripted lets a script set cookies after a response.
	scripted := func(url string, set []string, script ...string) {
		all = append(all, predicted{name: fmt.Sprintf("script %.60q %.60q", set, script), url: url, set: [][]string{set}, script: script})
	}
	// to asks for another address.
	to := func(follow, url string, lines ...string) {
		all = append(all, predicted{name: fmt.Sprintf("to %s %.60q", follow, lines), url: url, follow: follow, set: [][]string{lines}})
	}
	x := strings.Repeat

	// Name and value
	one("pair", here, "a=b", "a=", "=b", "b", "=", "", " ", ";", "; Secure", "a", "a ; Path=/", " a = b ", "\ta\t=\tb\t", "a=b=c", "a==b", "==b", "=a=b", "= =b", "a=b c", "a b=c",
		`a="b"`, `a="b;c"`, `a="b`, `a='b'`, "a=b,c=d", "a=b, c=d", "a=b;c=d", "a=%20", "a=b%3Bc", "a=\xfc", "\xfc=b", "a=\xc3\xbc", "\xc3\xbc=b", "a=\xe2\x82", "a=\xe2\x82\xac", "a=\xf0\x9f\x8d\xaa",
		"a=\xed\xa0\x80", "a=\xc0\xaf", "a=x\xffy\xfez", "a=\xe4\xbd\xa0\xe5\xa5\xbd", "a=<b>&c", "a=b\\c", "a=[1]", "a={\"k\":1}", "a@b=c", "a:b=c", "a/b=c", "a(b)=c", "[a]=c", "$a=b", "__a=b", "_=b",
		"A=b", "a=b;", "a=b;;", "a=b; ; ;Path=/", ";a=b", " ;a=b", "a;b=c", "a =b;Path = /x", "a=b; =c", "a=b; =", "foo", "foo=", "foo; Path=/", "a=  b  c  ", "a=\"  b  \"", "a= \"b\" ", "a=b;Expires")
	then("pair", here, []string{"a=1", "A=2"})
	then("pair", here, []string{"foo", "foo=bar"})
	then("pair", here, []string{"foo", "bar"})
	then("pair", here, []string{"foo=", "foo"})
	then("pair", here, []string{"=foo", "foo=1", "=bar"})

	// Bytes
	for c := 0; c < 0x20; c++ {
		if c == '\n' || c == '\r' {
			continue
		}
		one("byte", here, fmt.Sprintf("a=b%cc", c), fmt.Sprintf("a%cb=c", c), fmt.Sprintf("a=b; Path=/x%cy", c))
	}
	one("byte", here, "a=b\x7fc", "a\x7fb=c", "a=b; x\x7f=1", "a=b; x\t=1", "a=b; x=\t1\t2", "a=b\t", "\ta=b", "a=b; Path=/\t", "a=b; Path=\t/", "a=b; Domain=local\thost", "a=b; Max-Age=6\t0", "a=b; Expires={+60}\t", "a=b; SameSite=La\tx",
		"a=b\x01", "\x01a=b", "a=b; Secure\x01", "a=b; Comment=x\x1fy", "a=b; HttpOnly=\x02", "a=b\rc", "a=b; Path=/\rx", "a=b\r; Path=/x")
	then("byte", here, []string{"a=b", "c=d\x00e"})
	then("byte", here, []string{"a=b\x01", "c=d"})
	then("byte", here, []string{"a=b\rx", "c=d"})
	then("byte", here, []string{"a=1"}, []string{"a=2\x00"})

	// Line breaks: what follows is another header, or goes on with this one
	one("break", here, "a=b\nc=d", "a=b\n c=d", "a=b\n\tc", "a=b\r\n c", "a=b\n  \t  c", "a=b \n c", "a=b\r\n \r\n c", "a=b\n c\n d", "a=b\n ", "\na=b", "\n a=b", "a\n=b", "a=\nb", "a=\n b", "a=b;\n Path=/x", "a=b;\r\n Secure;\r\n HttpOnly", "a=b; Sec\n ure", "a=b; Expires=Mon,\r\n 01 Mar 2027\r\n 10:00:00 GMT",
		"a=b\nSet-Cookie: c=d", "a=b\r\nSet-Cookie: c=d", "a=b\nset-cookie:c=d", "a=b\nSet-Cookie : c=d", "a=b\n Set-Cookie: c=d", "a=b\nSet-Cookie: a=; Max-Age=0", "a=b\nX: y", "a=b\nfoo\n x", "a=b\rSet-Cookie: c=d", "a=b\r c", "a=b\rc\n d", "a=b\r\rSet-Cookie: c=d")
	for _, broken := range []string{"a=b\n", "a=b\r\n", "a=b\r", "a=b\n\nSet-Cookie: x=y", "a=b\r\n\r\nSet-Cookie: x=y", "a=b\n\r\rSet-Cookie: x=y", "a=b\r\r\nSet-Cookie: x=y", "a=b\n \n", "a=b\n\n\x00", "a=b\nX: \x00", "a=b\nfoo\x00", "a=b\nSet-Cookie: x=y\x00"} {
		then("break", here, []string{broken, "c=d"})
	}

	// Sizes
	for _, n := range []int{4093, 4094, 4095, 4096, 4097, 5000, 10000} {
		one("size", here, "a="+x("v", n-1), x("n", n-1)+"=v", x("n", n)+"=", "a="+x("\xc3\xbc", (n-1)/2)+x("v", (n-1)%2))
	}
	one("size", here, x("v", 4096), x("v", 4097), "="+x("v", 4096), "="+x("v", 4097), "a= "+x("v", 4095)+" ", "a="+x("v", 4095)+"; Path=/; Secure; HttpOnly", "a="+x("\xfc", 4095), "a="+x("\xfc", 4096))
	for _, n := range []int{1020, 1021, 1022, 1023, 1024, 1025, 2000} {
		one("size", here, "a=b; Path=/"+x("p", n-1), "a=b; Domain="+x("d", n), "a=b; Max-Age="+x("0", n-2)+"60", "a=b; Expires={+600}"+x(" ", 3)+x("z", n-29), "a=b; Unknown="+x("u", n), "a=b; SameSite="+x("s", n))
	}
	one("size", here, "a=b; Secure="+x("s", 1025), "a=b; HttpOnly="+x("s", 1025), "a=b; Secure; Partitioned="+x("s", 1025), "a=b; SameSite=Lax; SameSite="+x("s", 1025), "a=b; Path=/x; Path=/"+x("p", 1025), "a=b; Max-Age=60; Max-Age="+x("1", 1025),
		"a=b; "+x("n", 1025)+"=v", "a=b; "+x("n", 4096), "a=b; Priority=High; Priority="+x("s", 1025))
	for _, n := range []int{1022, 1023, 1024, 1025} {
		one("deep path", "http://localhost/"+x("p", n-1)+"/x", "a=b", "a=b; Path=x", "a=b; Path=/")
	}

	// Max-Age
	filled("Max-Age", here, "a=b; Max-Age=%s", "60", "0", "-1", "-0", "+5", "+100", "", " 60 ", "1x", "x1", "6 0", "60.5", "1e3", "0x10", "-", "--1", "-x", "+", "+-5", "-+5", "00060", "05", `"60"`, "60,", "٣",
		"34559999", "34560000", "34560001", "99999999", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "99999999999999999999", "-99999999999999999999", "99999999999999999999x", "60s", "60 s", "1", "100000", "NaN", "Infinity", "١")
	filled("Max-Age", here, "a=b; Expires={+6000}; Max-Age=%s", "9223372036854775806x", "9223372036854775807x", "9223372036854775808x", "+9223372036854775807x", "-9223372036854775807x", "-9223372036854775808x", "-9223372036854775809")
	one("Max-Age", here, "a=b; max-age=60", "a=b; MAX-AGE=60", "a=b; Max-Age = 60", "a=b; MaxAge=60", "a=b; Max_Age=60", "a=b; Max-Age", "a=b; Max-Age=60; Max-Age=120", "a=b; Max-Age=120; Max-Age=60", "a=b; Max-Age=100; Max-Age=x", "a=b; Max-Age=100; Max-Age=", "a=b; Max-Age=100; Max-Age",
		"a=b; Max-Age=0; Max-Age=60", "a=b; Max-Age=60; Max-Age=0", "a=b; Max-Age=60; Expires={-60}", "a=b; Expires={-60}; Max-Age=60", "a=b; Max-Age=0; Expires={+60}", "a=b; Max-Age=x; Expires={+600}", "a=b; Max-Age=; Expires={+600}", "a=b; Max-Age=+60; Expires={+6000}", "a=b; Max-Age=-; Expires={+600}", "a=b; Max-Age=60; Max-Age=x; Expires={+600}")

	// Expires
	const layout = "Mon, 02 Jan 2006 15:04:05"
	filled("Expires", here, "a=b; Expires=%s", "{+600}", "{-600}", "{+60000000}", "{+34559000}", "{+34569000}", "banana", "", "0", "-1", "1", "Session", "GMT", "{+86400|Mon, 02-Jan-2006 15:04:05 GMT}", "{+86400|Monday, 02-Jan-06 15:04:05 GMT}", "{+86400|Mon Jan _2 15:04:05 2006}",
		"{+86400|"+layout+"}", "{+86400|"+layout+" +0100}", "{+86400|"+layout+" -0500}", "{+86400|"+layout+" EST}", "{+86400|"+layout+" PDT}", "{+86400|"+layout+" CET}", "{+86400|"+layout+" UTC}", "{+86400|"+layout+" UT}", "{+86400|"+layout+" Z}", "{+86400|"+layout+" GMT+0100}", "{+86400|"+layout+" +1}", "{+86400|"+layout+" +01:00}",
		"{+86400|2006-01-02T15:04:05Z}", "{+86400|2006-01-02 15:04:05}", "{+86400|01/02/2006 15:04:05}", "{+86400|02/01/2006 15:04:05}", "{+86400|2006/01/02 15:04:05}", "{+86400|06-01-02 15:04:05}", "{+86400|2006 Jan 2 15:04:05}", "{+86400|Jan 2 2006 15:04:05}", "{+86400|15:04:05 2 Jan 2006}", "{+86400|2006 2 Jan 15:04:05}",
		"{+86400|02 January 2006 15:04:05}", "{+86400|02 JAN 2006 15:04:05}", "{+86400|02 jan 2006 15:04:05}", "{+86400|02 Janxyz 2006 15:04:05}", "{+86400|02Jan2006 15:04:05}", "{+86400|02-Jan-2006-15:04:05}", "{+86400|02.Jan.2006 15:04:05}", "{+86400|02/Jan/2006 15:04:05}", "{+86400|02_Jan_2006_15:04:05}", "{+86400|02,Jan,2006,15:04:05}",
		"{+86400|Mon, 02 Jan 2006 15:04}", "{+86400|Mon, 02 Jan 2006 15:04 GMT}", "{+86400|Mon, 02 Jan 2006}", "{+86400|Mon, 02 Jan 2006 15}", "{+86400|Mon, 2 Jan 2006 3:4:5}", "{+86400|Mon, 02 Jan 2006 03:04:05 PM}", "{+86400|Mon, 02 Jan 2006 03:04:05pm}", "{+86400|Mon, 02 Jan 2006 15:04:05.123 GMT}", "{+86400|Mon, 02 Jan 2006 15:04:05x GMT}", "{+86400|Mon, 02 Jan 2006 15:04:055 GMT}", "{+86400|Mon, 02 Jan 2006 015:04:05 GMT}",
		"{+86400|Xxx, 02 Jan 2006 15:04:05 GMT}", "{+86400|02 Jan 06 15:04:05 GMT}", "{+86400|\"Mon, 02 Jan 2006 15:04:05 GMT\"}", "{+86400|'Mon, 02 Jan 2006 15:04:05 GMT'}", "{+86400|(comment) 02 Jan 2006 15:04:05}", "{+86400|2nd Jan 2006 15:04:05}", "{+86400|02th Jan 2006 15:04:05}", "{+86400|002 Jan 2006 15:04:05}",
		"Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:01 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 10000 23:59:59 GMT", "Mon, 01 Jan 1601 00:00:00 GMT", "Mon, 01 Jan 1600 00:00:00 GMT", "Mon, 01 Jan 137 00:00:00 GMT", "Mon, 01 Jan 99999 00:00:00 GMT", "Mon, 01 Jan 100000 00:00:00 GMT", "Mon, 01 Jan 40000 00:00:00 GMT", "Mon, 01 Jan 32767 00:00:00 GMT",
		"Tue, 30 Feb 2027 10:00:00 GMT", "Tue, 29 Feb 2027 10:00:00 GMT", "Mon, 31 Nov 2026 10:00:00 GMT", "Tue, 31 Apr 2027 10:00:00 GMT", "Mon, 01 Mar 2027 24:00:00 GMT", "Mon, 01 Mar 2027 23:60:00 GMT", "Mon, 01 Mar 2027 23:59:60 GMT", "Mon, 01 Mar 2027 23:59:61 GMT", "Mon, 00 Mar 2027 10:00:00 GMT", "Mon, 32 Mar 2027 10:00:00 GMT", "Mon, 99 Mar 2027 10:00:00 GMT", "Mon, 0 Mar 2027 10:00:00 GMT",
		"Wed, 09 Jun 69 10:18:14 GMT", "Wed, 09 Jun 70 10:18:14 GMT", "Wed, 09 Jun 99 10:18:14 GMT", "Wed, 09 Jun 00 10:18:14 GMT", "Wed, 09 Jun 27 10:18:14 GMT", "Wed, 09 Jun 0027 10:18:14 GMT", "Wed, 09 Jun 027 10:18:14 GMT", "Wed, 09 Jun 7 10:18:14 GMT", "27 Jun 09 10:18:14 GMT", "Jun 27 09 10:18:14", "32 Jun 09 10:18:14 GMT", "13/32/2027 10:00:00", "0/1/27 10:00:00", "40/1/2 10:00:00", "13/01/2027 10:00:00", "1/13/27", "12-25-2026 10:00", "2027-03-01",
		"20 Feb 2027 10:00:00 20 Mar 2028 11:00:00", "Mon Tue Wed 20 Feb 2027 10:00:00", "Mar 20 Feb 2027 10:00:00", "10:00:00 11:00:00 20 Feb 2027", "20 Feb 2027 10:00:00 -0001", "20 Feb 2027 EST 10:00:00 +0300", "20-Feb-2027 10:00:00 -03", "20 Feb 2027 10:00:00 +123", "20 Feb 2027 12:30:00 AM", "20 Feb 2027 12:30:00 PM", "20 Feb 2027 1:30 PM", "20 Feb 2027 13:30:00 PM", "20 Feb 2027 10:00/", "20 Feb 2027 10:00A", "20 Feb 2027 10:", "20 Feb 2027 :10:00", "Sept 20 2027 10:00:00", "20 Mai 2027 10:00:00", "20 Mär 2027 10:00:00", "20 Feb 2027 10:00:00 \xff", "+20 Feb 2027 10:00:00", "-20 Feb 2027 10:00:00", "20 Feb +2027 10:00:00", "20 Feb -2027 10:00:00", "Feb 2027 10:00:00", "20 2027 10:00:00", "20 Feb 10:00:00", "2027-02-20T10:00:00.000Z", "20270220T100000Z", "1803113600", "{+600};", "{+600},", "20 Feb 2027 10.00.00", "20 Feb 2027 10h00")
	filled("Expires", here, "a=b; Expires=%s", "1 Mar 2027 010:000:000", "1 Mar 2027 10:00:00:", "1 Mar 2027 10:00:00:00", "1 Mar 2027 10::00:00", "1x Mar 2027 10:00:00", "1x 2 Mar 2027 10:00:00", "1 Mar 2x 2027 10:00:00", "1 Mar 2027x 10:00:00", "1 Mar 002027 10:00:00", "1 Mar 2027 10:00:00x 11:00:00", "1 Mar 2027 99:00:00 11:00:00", "1 Mar 2027 3000000000:00:00 11:00:00", "1 Mar 2027 99999999999:00:00 11:00:00",
		"1 Mar 2027 10:00\xc3", "1 Mar 2027 10:00\x80", "Mon, 01 Jan 0001 00:00:00", "Mon, 01 Jan 0000 00:00:00", "Mon, 01 Jan 999 00:00:00", "Mon, 31 Apr 1500 23:59:59 GMT", "Mon, 30 Feb 20000 23:59:59 GMT")
	one("Expires", here, "a=b; expires={+600}", "a=b; Expires", "a=b; Expires={+600}; Expires=junk", "a=b; Expires=junk; Expires={+600}", "a=b; Expires={+600}; Expires=", "a=b; Expires={+600}; Expires={-600}", "a=b; Expires={-600}; Expires={+600}", "a=b; Expires={+600}; Expires={+1200}")
	for _, skew := range []time.Duration{-time.Hour, time.Hour, 24 * time.Hour, -1000 * 24 * time.Hour} {
		for _, line := range []string{"a=b; Expires={+600}", "a=b; Expires={-600}", "a=b; Expires={+7200}", "a=b; Max-Age=600", "a=b; Expires={+90000}", "a=b; Expires={+34569000}"} {
			all = append(all, predicted{name: fmt.Sprintf("Date %v %s", skew, line), url: here, set: [][]string{{line}}, date: skew})
		}
	}

	// Deleting and overwriting
	then("over", here, []string{"a=1; Path=/"}, []string{"a=2; Path=/"})
	then("over", here, []string{"a=1"}, []string{"a=; Max-Age=0"})
	then("over", here, []string{"a=1"}, []string{"a; Max-Age=0"})
	then("over", here, []string{"a=1"}, []string{"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"})
	then("over", here, []string{"a=1; Path=/x"}, []string{"a=; Max-Age=0"})
	then("over", here, []string{"a=1; Path=/"}, []string{"a=; Max-Age=0; Path=/x"})
	then("over", here, []string{"a=1; Domain=localhost"}, []string{"a=2"})
	then("over", here, []string{"a=1; Secure; HttpOnly; SameSite=Strict"}, []string{"a=2"})
	then("over", here, []string{"a=1; Max-Age=600"}, []string{"a=2"})
	then("over", here, []string{"a=1", "b=2", "c=3"}, []string{"a=4"})
	then("over", here, []string{"a=1", "b=2", "c=3"}, []string{"a=1"})
	then("over", here, []string{"a=1", "b=2", "c=3"}, []string{"a=1; HttpOnly"})
	then("over", here, []string{"a=1", "b=2"}, []string{"a=; Max-Age=0"}, []string{"a=1"})
	then("over", here, []string{"a=1", "a=2", "a=3"})
	then("over", here, []string{"a=1", "a=; Max-Age=0"})
	then("over", here, []string{"a=1; Max-Age=0", "a=2"})
	then("over", here, []string{"a=1; Path=/", "a=2; Path=/x"}, []string{"a=3; Path=/"})
	then("over", here, []string{"__Host-a=1; Secure; Path=/"}, []string{"__Host-a=; Max-Age=0; Path=/"})
	then("over", here, []string{"__Host-a=1; Secure; Path=/"}, []string{"__Host-a=; Max-Age=0; Path=/; Secure"})
	then("over", here, []string{"__Secure-a=1; Secure"}, []string{"__Secure-a=; Max-Age=0"})
	then("over", here, []string{"a=1; Secure"}, []string{"a=2"})
	then("over", here, []string{"a=1; Secure"}, []string{"a=; Max-Age=0"})
	then("over", here, []string{"a=1"}, []string{"a=2; Max-Age=-"})
	then("over", here, []string{"a=1"}, []string{"a=2; SameSite=None"})
	then("over", here, []string{"a=1; Secure; Partitioned", "a=2"})
	then("over", here, []string{"a=1; Secure; Partitioned"}, []string{"a=; Secure; Partitioned; Max-Age=0"})
	then("over", here, []string{"a=1; Secure; Partitioned"}, []string{"a=; Secure; Max-Age=0"})
	then("over", here, []string{"=a"}, []string{"=b"})
	then("over", here, []string{"a"}, []string{"=; Max-Age=0"})

	// Path
	for _, url := range []string{"/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "//", "//a", "/a//b", "/a//", "/A/b", "/a%20b/c", "/a%2Fb/c", "/a/b.html", "/ä/b"} {
		one("default path "+url, "http://localhost"+url, "a=b", "a=b; Path=", "a=b; Path", "a=b; Path=x", "a=b; Path=/")
	}
	for _, path := range []string{"/", "/a", "/a/", "/a/b", "/a/b/", "/A", "/ab", "/a%20b", "/a b", "/b", "//", "/a//", "/a/../a", "/a/./", "/%61", "/ä", "/a?x=1", "/a#x", "/a;b", "/\"a\"", "\"/a\"", "/a,b", "/a\\b", "*", ".", "/*"} {
		for _, url := range []string{"/a", "/a/b", "/ab"} {
			one("path at "+url, "http://localhost"+url, "a=b; Path="+path)
		}
	}
	one("path", "http://localhost/a|b/c", "a=b", "a=b; Path=/a|b", "a=b; Path=/a%7Cb")
	one("path", "http://localhost/^[a]`/c", "a=b")
	to("http://localhost/foo", here, "a=b; Path=/foo")
	to("http://localhost/foo/x", here, "a=b; Path=/foo")
	to("http://localhost/foobar", here, "a=b; Path=/foo")
	to("http://localhost/foo", here, "a=b; Path=/foo/")
	to("http://localhost/foo/", here, "a=b; Path=/foo/")
	to("http://localhost/FOO", here, "a=b; Path=/foo")
	to("http://localhost/a/b/c", here, "a=1; Path=/", "a=2; Path=/a/b", "a=3; Path=/a", "b=4; Path=/a/b/c", "b=5; Path=/a/b/")
	to("http://localhost/a/b/c", here, "x=1; Path=/a", "y=2; Path=/a", "x=3; Path=/a/b", "z=4; Path=/")
	one("path", here, "a=b; Path=/x; Path=/y", "a=b; Path=/x; Path=", "a=b; Path=/x; Path=y", "a=b; path=/x", "a=b; PATH=/x", "a=b; Path = /x ", "a=b; Path=/x/;", "a=b; Path=/x=y")

	// Domain
	domains := []string{"localhost", ".localhost", "LOCALHOST", "LocalHost", "..localhost", "localhost.", ".localhost.", "", ".", "..", "app.localhost", ".app.localhost", "x.app.localhost", ".x.app.localhost", "y.app.localhost", "calhost", "pp.localhost", "com", "example.com", "127.0.0.1", ".127.0.0.1", "127.0.0.2", "0.0.1", "127.1", "[::1]", "::1", ".[::1]", "[0:0:0:0:0:0:0:1]", "app.localhost:80", "http://app.localhost", "app.localhost/", "äpp.localhost", "xn--pp-via.localhost", "app%2elocalhost", "app_localhost", "app.localhost ", "\"app.localhost\"", "*.localhost", "app..localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "APP.LOCALHOST", "app.local host"}
	for _, url := range []string{here, "http://app.localhost/", "http://x.app.localhost/", "http://127.0.0.1/", "http://[::1]/"} {
		filled("domain at "+url, url, "a=b; Domain=%s", domains...)
	}
	filled("domain", "http://[::ffff:127.0.0.1]/", "a=b; Domain=%s", "", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.0.0.1", "localhost")
	one("domain", "http://x.app.localhost/", "a=b; Domain", "a=b; Domain=app.localhost; Domain=", "a=b; Domain=app.localhost; Domain=x.app.localhost", "a=b; Domain=x.app.localhost; Domain=app.localhost", "a=b; Domain=evil.com; Domain=app.localhost", "a=b; Domain=app.localhost; Domain=evil.com", "a=b; Domain=app.localhost; Domain", "a=b; Domain=app.localhost; Domain=.")
	then("domain", "http://x.app.localhost/", []string{"a=1", "a=2; Domain=x.app.localhost", "a=3; Domain=app.localhost"})
	one("domain", "http://x.app.localhost/", "a=b; Domain=app\u3002localhost", "a=b; Domain=\uff41pp.localhost", "a=b; Domain=.App\u3002Localhost", "a=b; Domain=app.local\u00adhost", "a=b; Domain=app.localhost\xff", "__Host-a=b; Secure; Path=/; Domain=app\u3002localhost")
	one("domain", here, "a=b; Domain=\uff4cocalhost")
	one("domain", "http://xn--bcher-kva.localhost/", "a=b; Domain=b\u00fccher.localhost", "a=b; Domain=xn--bcher-kva.localhost")
	then("domain", "http://app.localhost/", []string{"a=1", "a=2; Domain=app.localhost"}, []string{"a=; Max-Age=0"})
	then("domain", "http://app.localhost/", []string{"a=1", "a=2; Domain=app.localhost"}, []string{"a=; Max-Age=0; Domain=app.localhost"})
	one("host", "http://localhost./", "a=b", "a=b; Domain=localhost", "a=b; Domain=localhost.", "a=b; Secure", "__Host-a=b; Secure; Path=/")
	one("host", "http://app.localhost./", "a=b", "a=b; Domain=app.localhost", "a=b; Domain=app.localhost.", "a=b; Secure")
	one("host", "http://127.0.0.2/", "a=b; Secure", "a=b; Domain=127.0.0.2", "a=b; SameSite=None; Secure", "__Secure-a=b; Secure")
	one("host", "http://my_app.localhost/", "a=b; Secure", "a=b; Domain=my_app.localhost", "__Host-a=b; Secure; Path=/")
	one("host", "http://a.b.c.localhost/", "a=b", "a=b; Domain=c.localhost", "a=b; Domain=b.c.localhost", "a=b; Domain=a.b.c.localhost", "a=b; Domain=localhost")

	// Flags
	one("secure", here, "a=b; Secure", "a=b; secure", "a=b; SECURE", "a=b; Secure=false", "a=b; Secure=", "a=b; Secure=0", "a=b; Secure; Secure", "a=b; Secured", "a=b; Secure ", "a=b;Secure", "a=b; \"Secure\"", "a=b, Secure")
	one("httponly", here, "a=b; HttpOnly", "a=b; httponly", "a=b; HttpOnly=false", "a=b; Http-Only", "a=b; HttpOnly; HttpOnly=x", "a=b; Secure; HttpOnly; Path=/x; SameSite=Lax; Max-Age=60")
	filled("samesite", here, "a=b; SameSite=%s", "Lax", "Strict", "None", "lax", "STRICT", "none", "", "Default", "No", "True", "Lax ", "\"Lax\"", "Lax,Strict", "None; Secure", "none; secure", "Unspecified", "Strict; SameSite=Lax", "Lax; SameSite=None; Secure", "Lax; SameSite=", "Strict; SameSite=Foo", "None; Secure; SameSite=Strict", "None; SameSite=Lax")
	one("samesite", here, "a=b; SameSite", "a=b; samesite=lax", "a=b; Same-Site=Lax", "a=b; Secure; SameSite")
	one("partitioned", here, "a=b; Partitioned", "a=b; Secure; Partitioned", "a=b; Secure; partitioned", "a=b; Secure; Partitioned=x", "a=b; Secure; Partitioned; SameSite=None", "__Host-a=b; Secure; Path=/; Partitioned", "a=b; Secure; Partitioned; SameSite=Strict; HttpOnly; Max-Age=60", "a=b; Secure; Partitioned; Partitioned", "__Host-a=b; Path=/; Partitioned")
	then("partitioned", here, []string{"a=1; Secure; Partitioned", "a=2; Secure", "b=3"})
	filled("priority", here, "a=b; Priority=%s", "Low", "Medium", "High", "low", "HIGH", "", "Urgent", "High; Priority=Low", "Low; Priority=x", "\"High\"")
	one("unknown", here, "a=b; Foo", "a=b; Foo=bar", "a=b; Version=1; Comment=x", "a=b; SameParty", "a=b; Path=/x; Foo; HttpOnly", "a=b; Discard", "a=b; Port=\"80\"", "a=b; Path=/x, c=d; Path=/y", "a=b; HttpOnly, c=d; Secure", "a=b; Expires={+600}, c=d")

	// Prefixes
	for _, prefix := range []string{"__Secure-", "__secure-", "__SECURE-", "__Host-", "__host-", "__HoSt-", "__Http-", "__http-", "__Host-Http-", "__host-http-"} {
		filled("prefix", here, prefix+"a=b%s", "", "; Secure", "; Secure; Path=/", "; Secure; HttpOnly", "; Secure; HttpOnly; Path=/", "; Path=/", "; Secure; Path=/x", "; Secure; HttpOnly; Path=/x", "; Secure; Path=/; Domain=localhost", "; Secure; HttpOnly; Path=/; Domain=localhost")
	}
	one("prefix", here, "__Host-=b; Secure; Path=/", "__Host-", "=__Host-a", "=__Secure-a", "=__host-a=b; Secure; Path=/", "=__Http-a", "=__Host-Http-a", "__Host-a; Secure; Path=/", "__Secure-a; Secure", "__Secure-a", " __Host-a=b", "__Hosta=b", "__Secure=b", "_Host-a=b", "__Host-a=b; Secure; Path=/; Path=/x", "__Host-a=b; Secure; Path=/x; Path=/", "__Host-a=b; Secure; Path=", "__Host-a=b; Secure; Path=x", "__Host-a=b; Secure; Path=/; Domain=", "__Host-a=b; Secure=0; Path=/", "__Host-Secure-a=b", "__Secure-Host-a=b; Secure", "= __Host-a", "__Host-Http=b; Secure; Path=/", "__Host-HttpX-a=b; Secure; Path=/")
	one("prefix", "http://localhost/a/b", "__Host-a=b; Secure; Path=/", "__Host-a=b; Secure", "__Host-a=b; Secure; Path=", "__Host-Http-a=b; Secure; HttpOnly", "__Secure-a=b; Secure")
	one("prefix", "http://app.localhost/", "__Host-a=b; Secure; Path=/", "__Host-a=b; Secure; Path=/; Domain=app.localhost", "__Secure-a=b; Secure; Domain=app.localhost", "__Host-a=b; Secure; Path=/; Domain=.app.localhost")
	one("prefix", "http://127.0.0.1/", "__Host-a=b; Secure; Path=/", "__Host-a=b; Secure; Path=/; Domain=127.0.0.1", "__Host-a=b; Secure; Path=/; Domain=.127.0.0.1", "__Host-a=b; Secure", "__Secure-a=b")
	one("prefix", "http://[::1]/", "__Host-a=b; Secure; Path=/", "__Host-a=b; Secure; Path=/; Domain=[::1]", "__Secure-a=b; Secure")

	// An insecure connection
	insecure := "http://[::ffff:127.0.0.1]/"
	one("insecure", insecure, "a=b", "a=b; Secure", "a=b; SameSite=None; Secure", "a=b; SameSite=None", "__Secure-a=b; Secure", "__Host-a=b; Secure; Path=/", "a=b; Secure; Partitioned", "a=b; HttpOnly; SameSite=Strict", "a=b; Secure; Max-Age=0", "a; Secure", "__Http-a=b; Secure; HttpOnly")

	// Scripts
	scripted(here, nil, "a=b")
	scripted(here, nil, "a=b; HttpOnly")
	scripted(here, nil, "a=b; Secure")
	scripted(here, nil, "a=b; Secure; SameSite=None")
	scripted(here, nil, "a=b; SameSite=None")
	scripted(here, nil, "a=b; Max-Age=60; Path=/")
	scripted(here, nil, "a=b; Expires={+600}")
	scripted(here, nil, "a=b; Domain=localhost")
	scripted(here, nil, "a=b; Domain=example.com")
	scripted(here, nil, "b")
	scripted(here, nil, "=b")
	scripted(here, nil, "")
	scripted(here, nil, "a=ü")
	scripted(here, nil, "a=b\nc")
	scripted(here, nil, "a=b\rc; Path=/x")
	scripted(here, nil, "a=b\x00c")
	scripted(here, nil, "a\x00b=c")
	scripted(here, nil, "a=b\x01c")
	scripted(here, nil, "a=b\tc")
	scripted(here, nil, "a=b; Path=/\nx")
	scripted(here, nil, "a=b", "a=c", "b=d")
	scripted(here, nil, "a=b, c=d")
	scripted(here, nil, "a=b; Partitioned; Secure")
	scripted(here, nil, "__Host-a=b; Secure; Path=/")
	scripted(here, nil, "__Secure-a=b; Secure")
	scripted(here, nil, "__Http-a=b; Secure")
	scripted(here, nil, "__Http-a=b; Secure; HttpOnly")
	scripted(here, nil, "__Host-Http-a=b; Secure; Path=/")
	scripted(here, nil, "a="+x("v", 4095))
	scripted(here, nil, "a="+x("v", 4096))
	scripted(here, []string{"a=1; HttpOnly"}, "a=2")
	scripted(here, []string{"a=1; HttpOnly"}, "a=; Max-Age=0")
	scripted(here, []string{"a=1; HttpOnly; Path=/"}, "a=2; Path=/x")
	scripted(here, []string{"a=1"}, "a=2")
	scripted(here, []string{"a=1"}, "a=; Max-Age=0")
	scripted(here, []string{"a=1; Secure"}, "a=2")
	scripted(here, []string{"a=1", "b=2"}, "a=3")
	scripted("http://localhost/a/b", nil, "a=b")
	scripted("http://localhost/a/b", nil, "a=b; Path=/")
	scripted("http://localhost/a/b", nil, "a=b; Path=/other")
	scripted(insecure, nil, "a=b; Secure")
	scripted(insecure, nil, "a=b")
	scripted("http://app.localhost/", nil, "a=b; Domain=app.localhost")

	// Limits
	many := func(n int, form string) []string {
		lines := make([]string, n)
		for i := range lines {
			lines[i] = fmt.Sprintf(form, i)
		}
		return lines
	}
	limit := func(name string, responses ...[]string) {
		all = append(all, predicted{name: "limit " + name, url: here, set: responses})
	}
	limit("180", many(180, "c%d=v"))
	limit("181", many(181, "c%d=v"))
	limit("302", many(302, "c%d=v"))
	limit("Secure stays", many(100, "s%d=v; Secure"), many(100, "c%d=v"))
	limit("Secure last", many(100, "c%d=v"), many(100, "s%d=v; Secure"))
	limit("one more without Secure", many(180, "s%d=v; Secure"), []string{"c=v"})
	limit("one more Secure", many(180, "s%d=v; Secure"), []string{"c=v; Secure"})
	limit("few without Secure", many(10, "c%d=v"), many(170, "s%d=v; Secure"), []string{"d=v; Secure"})
	limit("used again in one response", append(append(many(170, "c%d=v"), "c0=w", "c1=v"), many(20, "d%d=v")...))
	limit("used again in another", many(100, "c%d=v"), []string{"c0=v", "c1=w"}, many(81, "d%d=v"))
	limit("Low first", many(40, "l%d=v; Priority=Low"), many(141, "c%d=v"))
	limit("High stays", many(20, "h%d=v; Priority=High"), many(161, "c%d=v"))
	limit("High stays, Secure", many(20, "h%d=v; Priority=High"), many(161, "c%d=v; Secure"))
	limit("priorities", many(60, "l%d=v; Priority=Low"), many(60, "m%d=v"), many(61, "h%d=v; Priority=High"))
	limit("paths", many(181, "a=v; Path=/p%d"))
	limit("big ones", many(40, "b%d="+x("v", 4000)))
	limit("partitioned", many(181, "c%d=v; Secure; Partitioned"))
	limit("partitioned, big", many(3, "c%d="+x("v", 4000)+"; Secure; Partitioned"))
	limit("partitioned, bigger", many(4, "c%d="+x("v", 4000)+"; Secure; Partitioned"))
	limit("partitioned, one at a time", many(30, "c%d="+x("v", 500)+"; Secure; Partitioned"))
	limit("partitioned, one name", many(4, "c="+x("v", 4000)+"; Secure; Partitioned; Path=/p%d"))
	limit("partitioned, replaced by bigger", many(3, "c%d="+x("v", 4000)+"; Secure; Partitioned"), []string{"c2=" + x("w", 4090) + "; Secure; Partitioned", "c1=" + x("w", 4090) + "; Secure; Partitioned"})
	limit("partitioned, and others", many(100, "c%d=v; Secure; Partitioned"), many(100, "d%d=v"))
	return all
}
