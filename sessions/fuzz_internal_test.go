package sessions

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

// What was read from a store is written and read again without a change, and
// no data at all make a session panic.
func FuzzDecodeValues(f *testing.F) {
	for _, data := range []string{
		``, `null`, `{}`, `[]`, `{"a":1}`, `{"a":null,"b":[1,{"c":"d"}]}`, `{"a":1,"a":2}`, `{"a":9223372036854775808}`,
		`{"a\"b":"\\","c":[{"d":"]}"}, 1 ] ,"e" : true }`, `{"a":1}x`, `"{"`, `{"\ud800":0}`,
		`{"_expiry":60}`, `{"_expiry":"browser_close"}`, `{"_user":"al\u0069ce"}`, "{\"\xff\":\"\xff\"}", ` { "<" : 1.0 } `,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		given := bytes.Clone(data)
		values, err := DecodeValues(data)
		if !bytes.Equal(data, given) {
			t.Fatal("the data were changed")
		}
		var want Values // as encoding/json reads them
		if wrong := json.Unmarshal(data, &want); (err == nil) != (wrong == nil) {
			t.Errorf("DecodeValues(%q): %v, encoding/json says %v", data, err, wrong)
		}
		if err != nil {
			return
		}
		if len(values)+len(want) > 0 && !reflect.DeepEqual(values, want) {
			t.Errorf("DecodeValues(%q) = %q, encoding/json says %q", data, values, want)
		}
		for _, key := range values.Keys() {
			value := values.Get(key)
			text, isText := value.(string)
			if values.Text(key) != text {
				t.Errorf("Text(%q) = %q, Get gives %#v", key, values.Text(key), value)
			}
			var into string
			if _, err := values.Into(key, &into); (err == nil) != (isText || value == nil) {
				t.Errorf("Into(%q) a string: %v, Get gives %#v", key, err, value)
			}
		}
		values.expiry()

		encoded, err := values.encode()
		if err != nil {
			if !errors.Is(err, ErrTooLarge) || len(data) < MaxStored/6 { // "<" takes six bytes
				t.Errorf("%q was read and cannot be written: %v", data, err)
			}
			return
		}
		again, err := DecodeValues(encoded)
		if err != nil || !reflect.DeepEqual(again, values) {
			t.Errorf("%q was written as %q and read as %q (%v)", data, encoded, again, err)
		}
		if twice, err := again.encode(); err != nil || !bytes.Equal(twice, encoded) {
			t.Errorf("%q is written once as %q and once as %q (%v)", data, encoded, twice, err)
		}
	})
}
