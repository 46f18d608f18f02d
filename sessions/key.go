// Keys: the secret that a browser carries, and the ID under which a store files it.

package sessions

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// keyForm is how an engine's keys are drawn and told from other text.
type keyForm struct {
	draw  func() string
	valid func(string) bool
}

const (
	// KeyLength is the number of characters of every key. 32 characters of 36
	// are 165 bits (Django's length and alphabet, lower case so that a file
	// system which ignores case cannot confuse two).
	KeyLength = 32

	keyAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// NewKey draws a key from the system's random source: 32 characters of
// [a-z0-9], each equally likely.
func NewKey() string {
	// 252 is the largest multiple of 36 that fits a byte; what lies above is
	// drawn again, or the first four letters would come up more often.
	const limit = 256 / len(keyAlphabet) * len(keyAlphabet)
	key := make([]byte, 0, KeyLength)
	var random [KeyLength + 8]byte
	for {
		rand.Read(random[:]) // never fails: crypto/rand ends the program instead
		for _, b := range random {
			if int(b) >= limit {
				continue
			}
			key = append(key, keyAlphabet[int(b)%len(keyAlphabet)])
			if len(key) == KeyLength {
				return string(key)
			}
		}
	}
}

// ValidKey reports whether key has the one exact shape of a key. Whatever else
// a client sends is refused before any store sees it.
func ValidKey(key string) bool {
	if len(key) != KeyLength {
		return false
	}
	for i := range len(key) {
		if c := key[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// TokenLength is the number of characters of every token: 20 bytes in hex, as
// the keys of Django REST framework have it.
const TokenLength = 40

// NewToken draws a token from the system's random source: 160 bits, in hex.
func NewToken() string {
	var random [TokenLength / 2]byte
	rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

// ValidToken reports whether token has the one exact shape of a token: 40
// digits of [0-9a-f].
func ValidToken(token string) bool {
	if len(token) != TokenLength {
		return false
	}
	for i := range len(token) {
		if c := token[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// ID is what a store files a record under: the SHA-256 of the purpose and the
// key. A stolen store holds no key that a browser could send, and a key made
// for one purpose finds nothing under another.
type ID [sha256.Size]byte

// KeyID is the ID of a key for a purpose.
func KeyID(purpose, key string) ID {
	return sha256.Sum256([]byte(purpose + "\x00" + key))
}

// String is the ID in hex, as pages and logs show it.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads what [ID.String] wrote; ok is false for anything else.
func ParseID(text string) (id ID, ok bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(id) {
		return ID{}, false
	}
	return ID(raw), true
}
