// The key file: where a program's signing keys come from.

package sessions

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// ReadSecrets reads a program's signing keys, for [NewSigner] and [NewEncrypter]: the one
// that seals comes first, then the older ones, which still verify. They have Django's names:
//
//   - SECRET_KEY, a variable of the environment (such as [os.Getenv]). If it is empty, the
//     key comes from the file secret.key in a folder, which must exist. ReadSecrets makes the
//     file, for its owner alone, if it is not there. Programs that do so at the same moment
//     get the same key.
//   - SECRET_KEY_FALLBACKS, a variable with the older keys, separated by commas. Empty: none.
//
// Each key is base64 of at least [MinSecret] bytes, in the standard or the URL alphabet, with
// or without padding. Anything else is an error, and so is a file that users other than its
// owner may read or write, because whoever has the key can sign in as anybody. (On Windows,
// where Go sees no such permissions, the folder's own must do.) An error names the variable
// or the file, and never repeats a key.
func ReadSecrets(folder string, environment func(name string) string) ([][]byte, error) {
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
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("%d bytes, at least %d are needed", len(secret), MinSecret)
	}
	return secret, nil
}

// keyFile reads the key file, or makes it. It refuses one that others may read.
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
	secret := make([]byte, MinSecret)
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
