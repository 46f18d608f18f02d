package sessions_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gorilla/securecookie"

	"cookielab/sessions"
	"cookielab/sessions/storetest"
)

var (
	firstSecret  = bytes.Repeat([]byte("1"), sessions.MinSecret)
	secondSecret = bytes.Repeat([]byte("2"), sessions.MinSecret)
)

func signer(t testing.TB, purpose string, secrets ...[]byte) *sessions.Signer {
	t.Helper()
	s, err := sessions.NewSigner(purpose, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seal(t testing.TB, s *sessions.Signer, value any) string {
	t.Helper()
	sealed, err := s.Sign(value)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestWhatWasSealedVerifies(t *testing.T) {
	s := signer(t, "user", firstSecret)
	want := map[string]any{"user": "曲奇", "list": []any{"a", true, nil}}
	var got map[string]any
	storetest.Is(t, "Verify", s.Verify(seal(t, s, want), &got), nil)
	storetest.Equal(t, "value", got, want)
}

// SECRET_KEY_FALLBACKS: the first secret seals, all verify.
func TestSecretsCanBeRotated(t *testing.T) {
	old := signer(t, "user", firstSecret)
	rotated := signer(t, "user", secondSecret, firstSecret)
	var got string
	storetest.Is(t, "sealed before the rotation", rotated.Verify(seal(t, old, "a"), &got), nil)
	storetest.Equal(t, "value", got, "a")
	storetest.Is(t, "sealed after it", rotated.Verify(seal(t, rotated, "b"), &got), nil)
	storetest.Is(t, "sealed with the second secret", old.Verify(seal(t, rotated, "b"), &got), sessions.ErrTampered)
	storetest.Is(t, "the first secret is gone", signer(t, "user", secondSecret).Verify(seal(t, old, "a"), &got), sessions.ErrTampered)
}

// The cookie's name is part of the salt.
func TestASealForAnotherPurposeDoesNotVerify(t *testing.T) {
	var got string
	for _, purpose := range []string{"other", "User", "user ", "user|", "use"} {
		sealed := seal(t, signer(t, purpose, firstSecret), "a")
		storetest.Is(t, purpose, signer(t, "user", firstSecret).Verify(sealed, &got), sessions.ErrTampered)
	}
	storetest.Equal(t, "value", got, "")
}

func TestEachByteThatIsChangedBreaksTheSeal(t *testing.T) {
	s := signer(t, "user", firstSecret)
	sealed, err := base64.URLEncoding.DecodeString(seal(t, s, "role=student"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for _, bit := range []byte{1, 32, 128} {
			forged := bytes.Clone(sealed)
			forged[i] ^= bit
			got := "untouched"
			storetest.Is(t, fmt.Sprint("byte ", i), s.Verify(base64.URLEncoding.EncodeToString(forged), &got), sessions.ErrTampered)
			storetest.Equal(t, "value", got, "untouched")
		}
	}
	for _, forged := range [][]byte{sealed[1:], sealed[:len(sealed)-1], append(bytes.Clone(sealed), 0)} {
		storetest.Is(t, "another length", s.Verify(base64.URLEncoding.EncodeToString(forged), new(string)), sessions.ErrTampered)
	}
}

func TestWhatIsNoSealIsTold(t *testing.T) {
	s := signer(t, "user", firstSecret)
	good := seal(t, s, "a")
	for name, c := range map[string]struct {
		sealed string
		want   error
	}{
		"empty":            {"", sessions.ErrUnreadable},
		"only line breaks": {"\r\n", sessions.ErrUnreadable},
		"not base64":       {"not base64!", sessions.ErrUnreadable},
		"cut":              {good[:len(good)-1], sessions.ErrUnreadable},
		"other alphabet":   {"+/+/", sessions.ErrUnreadable},
		// Base64 of something: from here on only the MAC decides.
		"no parts":   {base64.URLEncoding.EncodeToString([]byte("hello")), sessions.ErrTampered},
		"two parts":  {base64.URLEncoding.EncodeToString([]byte("1|YQ==")), sessions.ErrTampered},
		"empty MAC":  {base64.URLEncoding.EncodeToString([]byte("1|YQ==|")), sessions.ErrTampered},
		"at limit":   {strings.Repeat("A", 4096), sessions.ErrTampered},
		"over limit": {strings.Repeat("A", 4097), sessions.ErrTooLong},
		"garbage":    {strings.Repeat("!", 1<<20), sessions.ErrTooLong}, // its length comes first
	} {
		storetest.Is(t, name, s.Verify(c.sealed, new(string)), c.want)
	}
}

// F.2: Django sends 6,206 bytes without a word, and the browser drops them.
func TestWhatNoBrowserKeepsIsNotSealed(t *testing.T) {
	s := signer(t, "user", firstSecret)
	_, err := s.Sign(strings.Repeat("x", 6000))
	storetest.Is(t, "Sign", err, sessions.ErrTooLong)
	for n := 1; ; n += 50 {
		sealed, err := s.Sign(strings.Repeat("x", n))
		if err != nil {
			storetest.Is(t, "Sign", err, sessions.ErrTooLong)
			if n < 2000 {
				t.Errorf("%d bytes are too long already", n)
			}
			return
		}
		if len(sealed) > 4096 {
			t.Fatalf("%d bytes were sealed", len(sealed))
		}
		storetest.Is(t, "Verify", s.Verify(sealed, new(string)), nil)
	}
}

func TestWhatJSONCannotHoldIsNotSealed(t *testing.T) {
	_, err := signer(t, "user", firstSecret).Sign(make(chan int))
	if err == nil || errors.Is(err, sessions.ErrTooLong) {
		t.Errorf("Sign: %v", err)
	}
}

func TestASealOfSomethingElseIsUnreadable(t *testing.T) {
	s := signer(t, "user", secondSecret, firstSecret)
	for name, by := range map[string]*sessions.Signer{"first": signer(t, "user", secondSecret), "second": signer(t, "user", firstSecret)} {
		var number int
		storetest.Is(t, name+" secret", s.Verify(seal(t, by, "text"), &number), sessions.ErrUnreadable)
	}
	// Sealed with the right secret by a program that does not write JSON.
	other := securecookie.New(firstSecret, nil)
	other.SetSerializer(securecookie.NopEncoder{})
	sealed, err := other.Encode("user", []byte("no JSON"))
	if err != nil {
		t.Fatal(err)
	}
	var text string
	storetest.Is(t, "not JSON", s.Verify(sealed, &text), sessions.ErrUnreadable)
}

func TestASignerNeedsAPurposeAndLongSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		purpose string
		secrets [][]byte
	}{
		"no purpose":   {"", [][]byte{firstSecret}},
		"no secret":    {"user", nil},
		"empty secret": {"user", [][]byte{nil}},
		"short secret": {"user", [][]byte{firstSecret[1:]}},
		"short second": {"user", [][]byte{firstSecret, secondSecret[1:]}},
		"guessable":    {"user", [][]byte{[]byte("hunter2")}},
	} {
		s, err := sessions.NewSigner(c.purpose, c.secrets...)
		if err == nil || s != nil {
			t.Errorf("%s: a signer was made", name)
		} else if len(c.secrets) == 1 && len(c.secrets[0]) > 0 && strings.Contains(err.Error(), string(c.secrets[0])) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

func TestASealCanBeTakenApartWithoutASecret(t *testing.T) {
	sealed := seal(t, signer(t, "user", firstSecret), map[string]string{"user": "曲奇"})
	parts, err := sessions.Dissect(sealed)
	storetest.Is(t, "Dissect", err, nil)
	storetest.Equal(t, "Content", strings.TrimSpace(parts.Content), `{"user":"曲奇"}`)
	storetest.Equal(t, "MAC", len(parts.MAC), 32)
	storetest.Equal(t, "Stamp", parts.Stamp, fmt.Sprint(parts.Time.Unix()))
	whole := append([]byte(parts.Stamp+"|"+parts.Inner+"|"), parts.MAC...)
	storetest.Equal(t, "put together again", base64.URLEncoding.EncodeToString(whole), sealed)

	for name, outer := range map[string]string{
		"no parts": "hello", "two parts": "1|YQ==", "no time": "x|YQ==|m", "no base64": "1|!|m", "empty": "",
	} {
		_, err := sessions.Dissect(base64.URLEncoding.EncodeToString([]byte(outer)))
		storetest.Is(t, name, err, sessions.ErrUnreadable)
	}
	_, err = sessions.Dissect("not base64!")
	storetest.Is(t, "not base64", err, sessions.ErrUnreadable)
}

func TestWholeNumbersAreExactTo64Bits(t *testing.T) {
	for raw, want := range map[string]any{
		"0": int64(0), "-1": int64(-1), "9007199254740993": int64(9007199254740993),
		"9223372036854775807": int64(math.MaxInt64), "-9223372036854775808": int64(math.MinInt64),
		"9223372036854775808": 9223372036854775808.0, // beyond int64: the nearest float
		"1.5":                 1.5, "1e3": 1000.0, "1.0": 1.0, "1e999": math.Inf(1),
		`[1,{"a":2}]`: []any{int64(1), map[string]any{"a": int64(2)}},
	} {
		values, err := sessions.DecodeValues([]byte(`{"n":` + raw + `}`))
		storetest.Is(t, raw, err, nil)
		storetest.Equal(t, raw, values.Get("n"), want)
	}
	values := sessions.Values{}
	storetest.Is(t, "Set", values.Set("n", uint64(math.MaxUint64)), nil)
	var n uint64
	_, err := values.Into("n", &n)
	storetest.Is(t, "Into", err, nil)
	storetest.Equal(t, "Into keeps all of a uint64", n, uint64(math.MaxUint64))
}

func TestStoredDataAreOneJSONObject(t *testing.T) {
	for data, want := range map[string]int{
		`{}`: 0, `null`: 0, ` {"a": 1, "b": null} `: 2, `{"a":1,"a":2}`: 1,
		``: -1, `[]`: -1, `1`: -1, `"a"`: -1, `{"a"}`: -1, `{"a":1}x`: -1, `{"a":01}`: -1, "{\"a\":\"\x01\"}": -1,
	} {
		values, err := sessions.DecodeValues([]byte(data))
		if want < 0 {
			if err == nil {
				t.Errorf("%q was read", data)
			}
			continue
		}
		storetest.Is(t, data, err, nil)
		storetest.Equal(t, data, len(values), want)
		storetest.Is(t, data+": Set", values.Set("c", 1), nil) // never a nil map
	}
}

func TestValuesThatCannotBeSetLeaveTheOldOne(t *testing.T) {
	values := sessions.Values{}
	storetest.Is(t, "Set", values.Set("a", 1), nil)
	for key, value := range map[string]any{"a": make(chan int), "": 1, "a\xff": 1} {
		if values.Set(key, value) == nil {
			t.Errorf("%q = %T was taken", key, value)
		}
	}
	storetest.Equal(t, "keys", values.Keys(), []string{"a"})
	storetest.Equal(t, "a", values.Get("a"), any(int64(1)))
}

func TestTextReadsAnyJSONString(t *testing.T) {
	for raw, want := range map[string]string{
		`"plain"`: "plain", `""`: "", `"\u66f2\n\"\\"`: "曲\n\"\\", `"曲"`: "曲",
		`1`: "", `null`: "", `true`: "", `["a"]`: "", `{"a":"b"}`: "", `"`: "", ``: "",
	} {
		storetest.Equal(t, raw, sessions.Values{"a": []byte(raw)}.Text("a"), want)
	}
}
