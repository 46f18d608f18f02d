package sessions_test

import (
	"crypto/sha256"
	"math"
	"strings"
	"testing"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"

func TestKeysHaveOneShapeAndNoneComesTwice(t *testing.T) {
	seen := map[string]bool{}
	for range 10_000 {
		key := sessions.NewKey()
		if len(key) != 32 || strings.Trim(key, alphabet) != "" || !sessions.ValidKey(key) {
			t.Fatalf("%q is not 32 characters of [a-z0-9]", key)
		}
		if seen[key] {
			t.Fatalf("%q came twice", key)
		}
		seen[key] = true
	}
}

func TestKeysHaveAtLeast160Bits(t *testing.T) {
	if bits := float64(sessions.KeyLength) * math.Log2(float64(len(alphabet))); bits < 160 {
		t.Errorf("%.1f bits", bits)
	}
}

// Each character is equally likely, in each position. Chi-square has 35 degrees
// of freedom, a mean of 35 and a deviation of 8.4: chance passes 120 once in
// 10^10 runs; taking a random byte modulo 36 gives about 600.
func TestTheCharactersOfKeysAreEquallyLikely(t *testing.T) {
	const keys = 10_000
	var all [256]int
	var at [sessions.KeyLength][256]int
	for range keys {
		for i, c := range []byte(sessions.NewKey()) {
			all[c]++
			at[i][c]++
		}
	}
	chiSquare := func(counts *[256]int, total int) (sum float64) {
		expected := float64(total) / float64(len(alphabet))
		for _, c := range []byte(alphabet) {
			off := float64(counts[c]) - expected
			sum += off * off / expected
		}
		return sum
	}
	if x := chiSquare(&all, keys*sessions.KeyLength); x > 120 {
		t.Errorf("chi-square over all positions: %.0f", x)
	}
	for i := range at {
		if x := chiSquare(&at[i], keys); x > 120 {
			t.Errorf("chi-square in position %d: %.0f", i, x)
		}
	}
}

func TestOnlyTheOneShapeIsAKey(t *testing.T) {
	const key = "abcdefghijklmnopqrstuvwxyz012345"
	for text, want := range map[string]bool{
		key:                                true,
		"6789" + key[4:]:                   true,
		strings.Repeat("z", 32):            true,
		"":                                 false,
		key[1:]:                            false,
		key + "a":                          false,
		strings.ToUpper(key):               false,
		key[:31] + "Z":                     false,
		key[:31] + " ":                     false,
		key[:31] + "\x00":                  false,
		key[:31] + "`":                     false, // the neighbours of a, z, 0 and 9
		key[:31] + "{":                     false,
		key[:31] + "/":                     false,
		key[:31] + ":":                     false,
		key[:31] + "\\":                    false,
		key[:30] + "é":                     false, // 32 bytes, 31 letters
		strings.Repeat("é", 32):            false,
		strings.Repeat("\xff", 32):         false,
		"+" + key[1:]:                      false,
		"../../../../../../../etc/passwd0": false,
	} {
		storetest.Equal(t, text, sessions.ValidKey(text), want)
	}
}

func TestAnIDIsTheHashOfPurposeAndKey(t *testing.T) {
	key := sessions.NewKey()
	id := sessions.KeyID("session", key)
	storetest.Equal(t, "ID", id, sessions.ID(sha256.Sum256([]byte("session\x00"+key))))
	for name, other := range map[string]sessions.ID{
		"another purpose": sessions.KeyID("token", key),
		"no purpose":      sessions.KeyID("", key),
		"another key":     sessions.KeyID("session", sessions.NewKey()),
		"moved border":    sessions.KeyID("session"+key[:1], key[1:]),
	} {
		if id == other {
			t.Errorf("%s: the same ID", name)
		}
	}
}

func TestAnIDIsReadFromItsTextAndFromNoOther(t *testing.T) {
	id := sessions.KeyID("session", sessions.NewKey())
	got, ok := sessions.ParseID(id.String())
	storetest.Equal(t, "ok", ok, true)
	storetest.Equal(t, "ID", got, id)
	for _, text := range []string{"", "ab", id.String()[2:], id.String() + "00", id.String()[1:], "zz" + id.String()[2:], " " + id.String()} {
		got, ok := sessions.ParseID(text)
		storetest.Equal(t, text, ok, false)
		storetest.Equal(t, text, got, sessions.ID{})
	}
}
