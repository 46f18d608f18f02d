// Slots: what pages keep in a Log. Each page keeps a value of a type of its own, which the
// Log need not know.

package notebook

import (
	"reflect"
)

// Kept is what a page keeps in a Log. A Log has one value of each such type, which must
// not be an interface. The value is replaced, and never changed in place: whoever has read
// it may use it at any time. It owns its texts (see OwnTexts), so that a short text does
// not keep a large request in memory.
//
// When the Logs of a server take too much memory, the largest may lose all that it keeps. If
// the type has a method Shrink() Kept, the Log keeps what that returns; nil: nothing.
type Kept interface {
	// Weigh returns how much memory the value takes, in bytes, with all that it refers to.
	// It is also called on the zero value, which is nil for a pointer.
	Weigh() int
}

// shrinker is a value of which something stays when memory is short: see Kept.
type shrinker interface{ Shrink() Kept }

// slots are what pages keep in one Log, by type.
type slots map[reflect.Type]Kept

// Of returns the value of a type that a page keeps in the Log; the zero value if there is
// none, and for a nil Log.
func Of[T Kept](l *Log) (value T) {
	if l == nil {
		return value
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	value, _ = l.slots[reflect.TypeFor[T]()].(T)
	return value
}

// Change changes the value of a type that a page keeps in the Log, and returns it as it
// was before. Meanwhile the Log is locked, so change must not use it. With a nil Log
// nothing is kept, and change is not called.
func Change[T Kept](l *Log, change func(*T)) (before T) {
	if l == nil {
		return before
	}
	defer l.change()()
	key := reflect.TypeFor[T]()
	before, _ = l.slots[key].(T)
	after := before
	change(&after)
	if l.slots == nil {
		l.slots = slots{}
	}
	l.slots[key] = after
	return before
}

// weigh is how much memory all of it takes, in bytes.
func (s slots) weigh() int {
	if s == nil {
		return 0
	}
	n := MapBytes
	for _, kept := range s {
		n += EntryBytes + kept.Weigh()
	}
	return n
}

// shrunk is what stays when memory is short.
func (s slots) shrunk() slots {
	var left slots
	for key, kept := range s {
		var small Kept
		if kept, ok := kept.(shrinker); ok {
			small = kept.Shrink()
		}
		if small == nil {
			continue
		}
		if left == nil {
			left = slots{}
		}
		left[key] = small
	}
	return left
}
